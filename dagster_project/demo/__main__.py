"""`python -m dagster_project.demo WS`: what is true about the simulated company in WS, as tables."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


def truth_tables(truth: dict[str, Any]) -> list[Table]:
    """Parts of revenue, channels, experiments, feature effects and delivered rows, as truth.json states them."""
    total = truth["revenue_total"]
    parts = Table(
        "part of revenue",
        truth.get("currency", "EUR"),
        "share",
        title=f"{truth['window']['start']} to {truth['window']['end']}",
    )
    media = sum(entry["contribution"] for entry in truth["channels"].values())
    amounts = {
        "baseline": truth["baseline_total"],
        "media": media,
        "AI answers": truth["ai"]["contribution"],
        "noise": truth["noise_total"],
        "revenue": total,
    }
    for name, amount in amounts.items():
        parts.add_row(name, f"{amount:,.0f}", f"{amount / total:.1%}")
    channels = Table("channel", "spend", "contribution", "iROAS", "half-life (days)", title="Channels over the window")
    if "company" in truth:
        channels.add_column("claimed")
    for name, entry in truth["channels"].items():
        returned = "no spend" if entry["iroas"] is None else f"{entry['iroas']:.2f}"
        money = (f"{entry['spend']:,.0f}", f"{entry['contribution']:,.0f}", returned)
        channels.add_row(name, *money, f"{entry['half_life_days']:.3g}", *_claimed(entry))
    tests = Table("experiment", "regions", "true effect", "relative", "spend difference", "iROAS", title="Geo tests")
    for name, entry in truth["experiments"].items():
        tests.add_row(
            name,
            ", ".join(entry["geos"]),
            f"{entry['effect']:,.0f}",
            f"{entry['relative']:+.1%}",
            f"{entry['spend_difference']:,.0f}",
            f"{entry['iroas']:.2f}",
        )
    features = Table("feature", "log odds", title="Content features with an effect")
    effects = truth["content"]["feature_log_odds"]
    for name, effect in sorted(effects.items(), key=lambda item: -item[1]):
        if effect:
            features.add_row(name, f"{effect:+.2f}")
    results = Table("result", "delivered iROAS", "true when tested", "flaw", title="Delivered results of tests")
    for name, entry in truth.get("delivered_results", {}).items():
        results.add_row(name, f"{entry['delivered']:.2f}", f"{entry['iroas_when_tested']:.2f}", entry["flaw"])
    sources = Table("source", "files", "rows", "damaged", title="Delivered")
    for name, counts in truth["sources"].items():
        sources.add_row(name, str(counts["files"]), f"{counts['rows']:,}", str(counts["bad"]))
    return [parts, channels, tests, *([results] if results.row_count else []), features, sources]


def _claimed(entry: dict[str, Any]) -> tuple[str, ...]:
    """What the platform claimed per unit of spend; nothing for the demo company, whose truth does not hold it."""
    if "claimed_revenue" not in entry:
        return ()
    claimed, spend = entry["claimed_revenue"], entry["spend"]
    return ("no claim" if claimed is None or not spend else f"{claimed / spend:.2f}",)


def main(arguments: list[str]) -> int:
    """Prints the tables; 2 for wrong usage or a folder without a demo company."""
    if len(arguments) != 1:
        print("usage: python -m dagster_project.demo WS", file=sys.stderr)
        return 2
    path = Path(arguments[0]) / "truth.json"
    if not path.exists():
        print(f"{path} is missing: `plumbline demo {arguments[0]}` writes it", file=sys.stderr)
        return 2
    console = Console(width=120)
    for table in truth_tables(json.loads(path.read_text(encoding="utf-8"))):
        console.print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
