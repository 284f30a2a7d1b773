"""The published page: every figure is rendered from what was measured, none is typed."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.incrementality.coverage import LEVEL, LIFT, Measured
from benchmarks.incrementality.groups import LEVEL as GROUP_LEVEL
from benchmarks.incrementality.groups import LIFT as GROUP_LIFT
from benchmarks.incrementality.groups import GroupMeasured
from benchmarks.incrementality.rivals import PUBLISHED, geolift

TITLES = {
    "A1": "A1: 20 controls, 90 days before",
    "A2": "A2: the tested geo five times as large",
    "A3": "A3: 9 controls",
    "A4": "A4: 30 days before",
    "H": "H: every geo with its own trend, weekdays and exposure to two common factors",
}


def page(
    results: Sequence[Measured],
    groups: Sequence[GroupMeasured],
    quiet: Sequence[tuple[int, int, float]],
    times: Sequence[tuple[str, float, float]],
    command: str,
) -> str:
    """Markdown of the whole benchmark."""
    parts = [
        "# Incrementality benchmark",
        f"Printed by `{command}`. Nominal level {LEVEL:.0%}, true lift {LIFT:.1%}, {results[0].replications} simulated"
        " panels per cell (null and lifted share their draws). Rival rows are those of the public study"
        " (research.getrecast.com/geolift-sim-study, 1,000 panels per cell); its random streams cannot be replayed, so"
        " rows compare by distribution. ± is one Monte Carlo standard error. Width is in KPI units a day.",
        "A method whose coverage is far below 95 % has no power: it only claims more.",
    ]
    for scenario, title in TITLES.items():
        parts += [f"## {title}", _table(scenario, [r for r in results if r.scenario == scenario])]
    parts += ["## Targets", _targets(results)]
    parts += ["## Several tested regions among few", _groups(groups)]
    if quiet:
        parts += [
            "## A real panel without any test",
            "GeoLift's pre-test panel (40 cities, 90 days). Share of null reads that claim an effect at a nominal"
            " 10 %, default method, ranks:",
            table(
                ("tested cities", "reads", "rejected"),
                [(str(size), str(n), f"{share:.3f}") for size, n, share in quiet],
            ),
        ]
    if times:
        parts += [
            "## Speed",
            "One core, compiled kernels loaded.",
            table(("what", "seconds", "limit"), [(name, f"{took:.2f}", f"{limit:g}") for name, took, limit in times]),
        ]
    return "\n\n".join(parts) + "\n"


def _table(scenario: str, mine: Sequence[Measured]) -> str:
    head = ("method", "coverage", "false positives", "power", "width", "bias (points)", "RMSE")
    rows = [
        (
            f"**Plumbline {row.method}**",
            f"{row.coverage:.3f} ± {row.monte_carlo_error(row.coverage):.3f}",
            f"{row.false_positives:.3f} ± {row.monte_carlo_error(row.false_positives):.3f}",
            f"{row.power:.3f} ± {row.monte_carlo_error(row.power):.3f}",
            f"{row.width:,.0f}",
            f"{row.bias:+.1f}",
            f"{row.error:,.0f}",
        )
        for row in mine
    ]
    rows += [
        (r.package, f"{r.coverage:.3f}", f"{r.false_positives:.3f}", f"{r.power:.3f}", f"{r.width:,.0f}", "", "")
        for r in PUBLISHED
        if r.scenario == scenario
    ]
    return table(head, rows)


def targets(results: Sequence[Measured]) -> list[tuple[str, str, bool]]:
    """Each promise about the default method: what, figure, kept."""
    found = []
    for row in (r for r in results if r.method == "auto"):
        found.append((f"{row.scenario} coverage .93-.97", f"{row.coverage:.3f}", 0.93 <= row.coverage <= 0.97))
        found.append(
            (f"{row.scenario} false positives <= .07", f"{row.false_positives:.3f}", row.false_positives <= 0.07)
        )
        if row.scenario == "H":
            found.append(("H RMSE <= 310", f"{row.error:.0f}", row.error <= 310))
            continue
        rival = geolift(row.scenario)
        least = rival.power - row.monte_carlo_error(rival.power)
        found.append((f"{row.scenario} power >= GeoLift's less one error", f"{row.power:.3f}", row.power >= least))
        share = 0.3 if row.scenario == "A4" else 0.75
        ratio = row.width / rival.width
        found.append((f"{row.scenario} width <= {share:g} x GeoLift's", f"{ratio:.2f}", ratio <= share))
    return found


def _groups(groups: Sequence[GroupMeasured]) -> str:
    first = groups[0]
    text = (
        f"Panels as in H with 120 days before and 28 days of test, default method at {GROUP_LEVEL:.0%}, true lift"
        f" {GROUP_LIFT:.0%}, {first.replications} panels per row (one standard error of the coverage:"
        f" {first.monte_carlo_error:.3f}). Width is relative to the KPI."
    )
    rows = [
        (f"{g.size} of {g.geos}", f"{g.coverage:.3f}", f"{g.false_positives:.3f}", f"{g.power:.3f}", f"{g.width:.3f}")
        for g in groups
    ]
    return text + "\n\n" + table(("tested", "coverage", "false positives", "power", "width"), rows)


def _targets(results: Sequence[Measured]) -> str:
    rows = [(what, figure, "kept" if kept else "**missed**") for what, figure, kept in targets(results)]
    return table(("promise of the default method", "measured", ""), rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
