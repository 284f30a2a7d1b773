"""Measurements of the planner; `python -m benchmarks.planning`."""
