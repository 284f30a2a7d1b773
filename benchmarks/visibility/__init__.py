"""Ranges and verdicts on AI answers against simulated panels whose truth is known."""
