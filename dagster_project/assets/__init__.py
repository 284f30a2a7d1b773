"""The assets by business step, from ingest to report. Each is thin: it reads, calls, writes and attaches."""
