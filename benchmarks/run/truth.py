"""Estimated beside true iROAS, and the AI visibility's share of revenue, of a demo workspace that has run.

Run: python -m benchmarks.run.truth WS
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import duckdb

FLOOR = 0.1  # of an iROAS on the log scale
METHODS = ("triangulated", "mmm", "experiment", "platform")
QUERY = (
    "select channel, method, mean, q05, q95, evidence_grade from measurement.channel_estimate where estimand = 'iroas'"
    " and period = 'window' and run_id = (select run_id from ops.run where status in ('finished', 'blocked')"
    " order by started_at desc limit 1)"
)
AI = QUERY.replace("'iroas'", "'contribution_share'") + " and channel = 'ai_visibility' and method = 'mmm'"


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m benchmarks.run.truth WS (a demo workspace that has run)")
    workspace = Path(sys.argv[1])
    truth = json.loads((workspace / "truth.json").read_text(encoding="utf-8"))
    snapshot = workspace / "warehouse" / (workspace / "warehouse/CURRENT").read_text(encoding="utf-8")
    with duckdb.connect(str(snapshot), read_only=True) as con:
        found = {(c, m): row for c, m, *row in con.execute(QUERY).fetchall()}
        seen = con.execute(AI).fetchall()
    print(f"{'channel':<22}{'true':>6}  " + "".join(f"{m:>22}" for m in METHODS) + "  grade")
    held = dict.fromkeys(("triangulated", "mmm"), 0)
    errors: dict[str, list[float]] = {name: [] for name in held}
    for channel, known in truth["channels"].items():
        line = f"{channel:<22}{known['iroas']:>6.2f}  "
        for method in METHODS:
            row = found.get((channel, method))
            line += f"{f'{row[0]:.2f} [{row[1]:.2f}, {row[2]:.2f}]' if row else '-':>22}"
            if row and method in held:
                held[method] += row[1] <= known["iroas"] <= row[2]
                errors[method].append(math.log(max(row[0], FLOOR)) - math.log(max(known["iroas"], FLOOR)))
        grade = found.get((channel, "triangulated"))
        print(line + f"  {grade[3] if grade else ''}")
    share = truth["ai"]["contribution"] / truth["revenue_total"]
    for _, _, middle, low, high, grade in seen:
        inside = "inside" if low <= share <= high else "outside"
        print(
            f"AI visibility, share of revenue: true {share:.1%}, MMM {middle:.1%} [{low:.1%}, {high:.1%}], {inside} the"
            f" 90 % range ({grade})"
        )
    count = len(truth["channels"])
    print("true value inside the 90 % range: " + ", ".join(f"{m} {n} of {count}" for m, n in held.items()))
    rmse = {m: math.sqrt(sum(e**2 for e in part) / len(part)) for m, part in errors.items() if part}
    print(f"RMSE of log iROAS, floored at {FLOOR}: " + ", ".join(f"{m} {value:.2f}" for m, value in rmse.items()))


if __name__ == "__main__":
    main()
