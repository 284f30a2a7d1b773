"""`python -m benchmarks.incrementality.users`: a hundred million users summed in DuckDB and read with CUPED."""

from __future__ import annotations

import argparse
import sys
import time

import duckdb
import polars as pl

from models.incrementality import read_ab

TRUE_LIFT = 0.02
USERS = """
    select if(i % 2 = 0, 'control', 'new') as arm,
           (hash(i) % 1000) / 100.0 as earlier,
           0.8 * (hash(i) % 1000) / 100.0 + (hash(i + 17) % 1000) / 200.0 + if(i % 2 = 1, $lift, 0) as kpi
    from range($users) as made(i)
"""
ARMS = f"""
    select arm, count(*) as n, sum(kpi) as sum, sum(kpi * kpi) as sum_sq, sum(earlier) as cov_sum,
           sum(earlier * earlier) as cov_sum_sq, sum(kpi * earlier) as cross_sum
    from ({USERS}) group by arm order by arm
"""


def main() -> int:
    """Exit 0 when the summing took under a minute and the true lift lies in the range."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.incrementality.users", description=__doc__)
    parser.add_argument("--users", type=int, default=100_000_000)
    asked = parser.parse_args()
    begun = time.perf_counter()
    rows = duckdb.execute(ARMS, {"users": asked.users, "lift": TRUE_LIFT})
    arms = pl.DataFrame(rows.fetchall(), schema=[column[0] for column in rows.description], orient="row")
    took = time.perf_counter() - begun
    result = read_ab(arms, control="control")
    unit = result.att / result.effect
    low, high = result.low * unit, result.high * unit
    sys.stdout.write(
        f"{asked.users:,} users drawn and summed in {took:.1f} s; lift {result.att:.5f} [{low:.5f}, {high:.5f}],"
        f" true {TRUE_LIFT}; {result.method}, {result.verdict}\n"
    )
    return 0 if took < 60 and low <= TRUE_LIFT <= high else 1


if __name__ == "__main__":
    raise SystemExit(main())
