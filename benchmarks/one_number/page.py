"""The benchmark's tables, on a terminal and as the method's page."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmarks.one_number.methods import METHODS, MMM, OURS, RIVALS, WITH_CLASSES
from benchmarks.one_number.runs import Result
from benchmarks.one_number.scores import Score, best, ratio_interval, score, with_errors, worse_companies

ALL = "all"
USELESS, USEFUL = "true iROAS under .1", "true iROAS of .1 and more"
MEASURED, UNMEASURED = "measured", "not measured: more than half prior"
NAMED = ("tested", "untested", USELESS, USEFUL, MEASURED, UNMEASURED)
CIRCUMSTANCES = ("hidden_demand", "claims", "curve", "truths")


@dataclass(frozen=True)
class Tables:
    """Scores by group and method; the RMSE ratio of ours to each other method with its bootstrap range."""

    scores: Mapping[str, Mapping[str, Score]]
    ratios: Mapping[str, tuple[float, float, float]]
    best_rival: str
    worse_than_mmm: float
    companies: int


def tables(rows: pl.DataFrame, *, seed: int) -> Tables:
    """Everything that the page and the gates read, from the figures of all companies."""
    errors = with_errors(rows)
    groups = {ALL: errors, "tested": errors.filter("tested"), "untested": errors.filter(~pl.col("tested"))}
    groups[USELESS] = errors.filter(pl.col("truth") < 0.1)
    groups[USEFUL] = errors.filter(pl.col("truth") >= 0.1)
    groups[MEASURED], groups[UNMEASURED] = errors.filter("measured"), errors.filter(~pl.col("measured"))
    for column in ("kind", "channel_class", *CIRCUMSTANCES):
        for (value,), part in sorted(errors.group_by(column), key=lambda item: str(item[0])):
            groups[f"{column} {value}"] = part
    others = [m for m in METHODS if m != OURS]
    return Tables(
        scores={
            name: {m: score(part.filter(pl.col("method") == m)) for m in METHODS}
            for name, part in groups.items()
            if part.height
        },
        ratios={m: ratio_interval(errors, OURS, m, seed=seed) for m in others},
        best_rival=best(errors, RIVALS),
        worse_than_mmm=worse_companies(errors, OURS, MMM),
        companies=errors["company"].n_unique(),
    )


def summary(tables: Tables, ablation: str, results: Sequence[Result | None], seconds: float) -> str:
    """Ours on one line: all companies, then useless, tested and untested channels, and the MMM beside it."""
    ours, mmm = tables.scores[ALL][OURS], tables.scores[ALL][MMM]
    parts = [
        f"{ablation}: {tables.companies} companies, {ours.channels} channels",
        f"RMSE {ours.rmse:.3f} = {ours.rmse / mmm.rmse:.2f} of the MMM's {mmm.rmse:.3f}, "
        f"{ours.rmse / tables.scores[ALL][tables.best_rival].rmse:.2f} of the best single method's"
        f" ({tables.best_rival})",
        f"median error {ours.median_error:.2f} ({mmm.median_error:.2f})",
        f"cover {_share(ours.cover)} ({_share(mmm.cover)})",
        f"log width {_plain(ours.width)} ({_plain(mmm.width)})",
        f"right side {ours.right_side:.2f} ({mmm.right_side:.2f})",
        f"lost {ours.lost:.1f} % ({mmm.lost:.1f} %)",
        *(
            f"{name} {group[OURS].rmse:.2f}/{_share(group[OURS].cover)}"
            for name, group in tables.scores.items()
            if name in NAMED
        ),
        f"{100 * tables.worse_than_mmm:.0f} % of companies worse than the MMM",
        f"{_mean([r.combine_seconds for r in results if r]):.2f} CPU s per combination, {seconds:.0f} s",
    ]
    return " | ".join(parts)


def text(tables: Tables, results: Sequence[Result | None], seconds: float) -> str:
    """Every table in Markdown."""
    return "\n\n".join(
        [
            _methods_table(tables),
            _ratio_table(tables),
            _groups_table(tables, "kind", "kind"),
            _groups_table(tables, "channel_class", "class"),
            _named_groups(tables),
            "\n\n".join(_groups_table(tables, c, c.replace("_", " ")) for c in CIRCUMSTANCES),
            _cost(results, seconds),
        ]
    )


def document(tables: Tables, results: Sequence[Result | None], seconds: float, options: argparse.Namespace) -> str:
    """The page of the method, as `--write` keeps it."""
    command = f"python -m benchmarks.one_number --companies {options.companies} --seed {options.seed} --write"
    return f"""# The one number against known truth

Written by `{command}` (`make bench-one-number`); nothing on this page is typed by hand.

{tables.companies} simulated companies of five kinds, each from its raw weekly frame through `models.mmm.fit` (a class
prior of return and half-life per channel, as in a run), its tests and its platforms' claims to the combined number.
The simulator is `models/worlds/measured_company`; channels and margins of each kind come from
`models/worlds/company_kinds.py`. It is not the inference's model: true returns have 1.3 times the published spread,
class medians are shifted anew for every company (sd .4), a share of one to two times the published one has no gain or
loses sales, half of the companies draw from plain ranges instead; claims follow one of five laws (additive,
multiplicative, one flat factor for all, another class's figures, pure chance); response curves are mostly not those of
the model. Hidden demand, the law of the claims, the curve and the number of tests are drawn independently of each
other, and tests are of mixed quality (underpowered, in another unit, margin for revenue, contaminated, botched,
contradicting). A fit takes
one attempt at sampling, 2 x (250 + 800), where a run samples longer until its gates pass.

How to read: RMSE of log iROAS with truth and estimate floored at {0.1:g}; median error relative to the truth; cover
and median log width of 90 % ranges; share of channels on the right side of break-even (margin x iROAS = 1); money lost
by acting on the number, in % of spend: |margin x iROAS - 1| summed over spend on the wrong side, against an oracle. A
method that is silent on a channel leaves it to the MMM alone. "{OURS}" is the printed mean.

## All methods

{_methods_table(tables)}

Best single method with hindsight: **{tables.best_rival}**. In {100 * tables.worse_than_mmm:.0f} % of companies the one
number's squared error is more than 1.1 times that of the MMM alone. "{WITH_CLASSES}" is a part of the one number and
no rival; the claim over its class factor uses the class table too.

RMSE of the one number over that of each other method, with a bootstrap over companies:

{_ratio_table(tables)}

## By kind of company

{_groups_table(tables, "kind", "kind")}

## By class of channel

{_groups_table(tables, "channel_class", "class")}

## Tested, untested, useless, not measured

{_named_groups(tables)}

## By circumstance

{chr(10).join(_groups_table(tables, c, c.replace("_", " ")) + chr(10) for c in CIRCUMSTANCES)}
{_cost(results, seconds)}
"""


def _methods_table(tables: Tables) -> str:
    lines = [
        "| method | RMSE | median error | cover | log width | right side | lost % |",
        "|---|---|---|---|---|---|---|",
    ]
    for method, s in tables.scores[ALL].items():
        lines.append(
            f"| {method} | {s.rmse:.3f} | {s.median_error:.2f} | {_share(s.cover)} | {_plain(s.width)} |"
            f" {s.right_side:.2f} | {s.lost:.1f} |"
        )
    return "\n".join(lines)


def _ratio_table(tables: Tables) -> str:
    lines = ["| beside | ratio of RMSE | 5 to 95 % |", "|---|---|---|"]
    lines += [f"| {m} | {middle:.2f} | {low:.2f} to {high:.2f} |" for m, (low, middle, high) in tables.ratios.items()]
    return "\n".join(lines)


def _groups_table(tables: Tables, column: str, title: str) -> str:
    names = [n for n in tables.scores if n.startswith(f"{column} ")]
    return _table(tables, {n: n.removeprefix(f"{column} ").replace("_", " ") for n in names}, title)


def _named_groups(tables: Tables) -> str:
    return _table(tables, {n: n for n in NAMED if n in tables.scores}, "channels")


def _table(tables: Tables, names: Mapping[str, str], title: str) -> str:
    """Ours beside the MMM alone and the best single method, one row per group."""
    rival = tables.best_rival
    shown = [OURS, MMM, *([rival] if rival != MMM else [])]
    lines = [
        f"| {title} | figures | "
        + " | ".join(f"{m}: RMSE | median error | cover | log width | right side | lost %" for m in shown)
        + " |",
        "|" + "---|" * (2 + 6 * len(shown)),
    ]
    for name, label in names.items():
        scores = tables.scores[name]
        cells = [
            f"{s.rmse:.2f} | {s.median_error:.2f} | {_share(s.cover)} | {_plain(s.width)} | {s.right_side:.2f} |"
            f" {s.lost:.1f}"
            for s in (scores[m] for m in shown)
        ]
        lines.append(f"| {label} | {scores[OURS].channels} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cost(results: Sequence[Result | None], seconds: float) -> str:
    done = [r for r in results if r is not None]
    fits = [r.fit_seconds for r in done if r.fit_seconds > 1]
    made = f"{_mean(fits):.0f} CPU s per company for its fits, " if fits else "fits were kept from before, "
    loose = sum(not r.converged for r in done)
    return (
        f"Cost: {made}{_mean([r.combine_seconds for r in done]):.2f} CPU s for the combination; {seconds:.0f} s in all."
        f" {loose} of {len(done)} companies have a fit that missed a convergence gate."
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


_plain = _share
