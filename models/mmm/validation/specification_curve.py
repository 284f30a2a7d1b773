"""The specification curve: the same estimate under every reasonable model, to show how far it depends on choices.

The grid is fixed here, before any data are seen; no specification is chosen from it by fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl

from models.mmm.fitting.approximate import returns
from models.mmm.fitting.form_selection import delayed_taps
from models.mmm.model.baseline import taps
from models.mmm.model.design import Form
from models.mmm.panel.panel import MMMData
from models.mmm.spec import MMMSpec
from models.warning import Warning

CARRYOVERS = ("geometric", "weibull")
CURVES = (("logistic", False), ("hill", False), ("hill", True))
TREND_KNOTS = (8, 13, 26)  # weeks between level changes: from a nervous to a stiff baseline
PRIOR_WIDTHS = (1.0, 1.6)  # prior sd of log returns, in multiples of the main one
AGREE = 0.90  # share of specifications that must reach the same decision
SPREAD = 3.0  # largest over smallest number (5 % and 95 % points) at which a number is called a matter of choice


@dataclass(frozen=True, eq=False)
class SpecificationCurve:
    """numbers: spec, carryover, curve, knots, belief, channel, iroas. summary: channel, median, low, high, pays,
    agreement (share of specifications on the same side of break-even as the majority).
    """

    numbers: pl.DataFrame
    summary: pl.DataFrame
    warnings: tuple[Warning, ...]


def specification_curve(data: MMMData, spec: MMMSpec | None = None) -> SpecificationCurve:
    """iROAS of every paid channel under each combination of carryover, curve, trend and width of prior.

    Numbers are posterior peaks, so the whole grid takes seconds; read their spread, not the single values. Where KPI
    has no value in money, `iroas` is KPI units per money and `agreement` is about its size only (null).
    """
    spec = spec or MMMSpec()
    reach = {"geometric": taps(spec, data), "weibull": delayed_taps(data, spec)}
    money = data.kpi_unit == "revenue" or data.value_per_kpi is not None
    rows = []
    grid = product(CARRYOVERS, CURVES, TREND_KNOTS, PRIOR_WIDTHS)
    for number, (carryover, (curve, free), knots, width) in enumerate(grid):
        one = spec.widened(width).model_copy(
            update={"trend_knots_every_weeks": knots, "share_spread": spec.share_spread * width}
        )
        values = returns(data, one, Form(carryover, curve, free, reach[carryover]), None)
        label = "hill, free slope" if free else curve
        for name, value in zip(data.channels, values, strict=True):
            rows.append((number, carryover, label, knots, width, name, float(value)))
    columns = ["spec", "carryover", "curve", "knots", "belief", "channel", "iroas"]
    numbers = pl.DataFrame(rows, schema=columns, orient="row")
    summary = _summary(data, numbers, spec.break_even_iroas if money else None)
    return SpecificationCurve(numbers, summary, tuple(_findings(summary, numbers, spec.break_even_iroas)))


def _summary(data: MMMData, numbers: pl.DataFrame, bar: float | None) -> pl.DataFrame:
    rows = []
    for name in data.channels:
        values = numbers.filter(pl.col("channel") == name)["iroas"].to_numpy()
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
        above = float((values > bar).mean()) if bar is not None else None
        rows.append(
            (
                name,
                float(middle),
                float(low),
                float(high),
                None if above is None else above >= 0.5,
                None if above is None else max(above, 1 - above),
            )
        )
    schema = {
        "channel": pl.String,
        "median": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "pays": pl.Boolean,
        "agreement": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _findings(summary: pl.DataFrame, numbers: pl.DataFrame, bar: float) -> list[Warning]:
    warnings = []
    for row in summary.iter_rows(named=True):
        name, count = row["channel"], numbers["spec"].n_unique()
        if row["low"] < 0 < row["high"]:
            warnings.append(
                Warning(
                    "sign_depends_on_spec",
                    "high",
                    name,
                    f"Of {count} reasonable models some find that {name} adds sales and some that it reduces them.",
                    f"Do not act on {name} before it is tested.",
                )
            )
        elif row["agreement"] is not None and row["agreement"] < AGREE:
            most = "pays back" if row["pays"] else "does not pay back"
            warnings.append(
                Warning(
                    "decision_depends_on_spec",
                    "medium",
                    name,
                    f"Only {row['agreement']:.0%} of {count} reasonable models agree that {name} {most} (return against"
                    f" {bar:g}); they put it between {row['low']:.3g} and {row['high']:.3g}.",
                    f"Decide about {name} by a test, not by this model.",
                )
            )
        elif row["low"] > 0 and row["high"] / row["low"] > SPREAD:
            warnings.append(
                Warning(
                    "size_depends_on_spec",
                    "medium",
                    name,
                    f"{count} reasonable models put the return of {name} anywhere between {row['low']:.3g} and"
                    f" {row['high']:.3g}: its size is a matter of modelling choices.",
                    f"Use the direction of {name}'s number, not its size.",
                )
            )
    return warnings
