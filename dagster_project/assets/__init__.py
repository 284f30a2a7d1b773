"""The assets by business step, from ingest to report. Each is thin: it reads, calls, writes and attaches."""

import warnings

import dagster as dg

warnings.filterwarnings("ignore", category=dg.BetaWarning)  # backfill policies are beta in 1.13, and pinned with it
