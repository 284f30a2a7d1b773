"""The one number per channel against known truth: `python -m benchmarks.one_number [--companies 63] [--seed 1]`.

From weekly frames through the media mix model, tests and claims to the combined number, for companies of five kinds in
two processes. Fits are kept in `--cache` by content; with `--cached` nothing is fitted and a summary is printed in
seconds, over the companies whose fits are there.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import polars as pl

from benchmarks.one_number import page
from benchmarks.one_number.ours import ABLATIONS
from benchmarks.one_number.runs import Job, jobs, run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "methods" / "one-number.md"


def main() -> None:
    """Print, and with --write keep, the tables that the method's page quotes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.one_number", description=__doc__)
    parser.add_argument("--companies", type=int, default=63, help="simulated companies, the five kinds in turn")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other companies")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--cache", type=Path, help="folder of kept fits (default: a folder for temporary files)")
    parser.add_argument("--cached", action="store_true", help="fit nothing: only companies whose fits are kept")
    parser.add_argument("--ablation", choices=ABLATIONS, default="whole", help="one part of the model taken away")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="another value of a field of EvidencePriors"
    )
    parser.add_argument("--fits-only", action="store_true", help="make and keep the fits, combine nothing")
    parser.add_argument("--json", action="store_true", help="scores of all groups as JSON")
    parser.add_argument("--rows", type=Path, help="write every figure to this CSV file")
    parser.add_argument("--write", action="store_true", help="write docs/methods/one-number.md")
    options = parser.parse_args()
    folder = options.cache or Path(tempfile.gettempdir()) / "plumbline-one-number"
    todo = jobs(
        options.companies,
        seed=options.seed,
        folder=folder,
        ablation=options.ablation,
        fit=not options.cached,
        combine=not options.fits_only,
        settings={name: float(value) for name, value in (pair.split("=", 1) for pair in options.set)},
    )
    begun = time.perf_counter()
    results = run(todo, processes=options.processes, progress=_progress)
    seconds = time.perf_counter() - begun
    if options.fits_only:
        print(f"{len(results)} companies' fits are kept in {folder}, {seconds:.0f} s")
        return
    rows = pl.concat([r.rows for r in results if r is not None]) if any(results) else None
    if rows is None:
        sys.exit(f"no company's fits are kept in {folder}: run without --cached first")
    tables = page.tables(rows, seed=options.seed)
    if options.rows:
        rows.write_csv(options.rows)
    if options.json:
        print(json.dumps({g: {m: asdict(s) for m, s in scores.items()} for g, scores in tables.scores.items()}))
    elif not options.write and (options.cached or options.ablation != "whole"):
        print(page.summary(tables, " ".join([options.ablation, *options.set]), results, seconds))
    else:
        print(page.text(tables, results, seconds))
    if options.write:
        PAGE.write_text(page.document(tables, results, seconds, options), encoding="utf-8")
        print(f"wrote {PAGE.name}", file=sys.stderr)


def _progress(done: int, total: int, job: Job, seconds: float) -> None:
    line = f"{done}/{total} {job.kind} {job.seed} {seconds:.0f} s"
    if sys.stderr.isatty():
        print(f"\r{line:<60}", end="" if done < total else "\n", file=sys.stderr, flush=True)
    elif done % 10 == 0 or done == total:
        print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
