"""Figures about the shape of the code, each by a stated rule: `python -m benchmarks.structure --before REV`."""
