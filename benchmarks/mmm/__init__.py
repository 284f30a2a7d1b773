"""Measured figures of the marketing mix model: accuracy on known truth, speed against a peer."""
