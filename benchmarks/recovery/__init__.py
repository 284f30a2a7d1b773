"""Does a workspace survive kills and damaged files? `python -m benchmarks.recovery --kills 100 --damages 50`."""
