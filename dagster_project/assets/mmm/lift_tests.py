"""The tests of a run in the media mix model's terms: window, regions, lift, and what the control would have spent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import isfinite
from typing import TYPE_CHECKING, Any

import polars as pl

from models.periods import last_day

if TYPE_CHECKING:
    from models.incrementality import LiftContract
    from models.mmm import Experiment, MMMData, MMMFit

SAME_SPEND = 0.1  # share by which a test's spend may differ from the data's: rounding and restatement, not regions


def tests_for(
    contracts: Sequence[LiftContract], data: MMMData, kpi: str, as_of: date
) -> tuple[tuple[Experiment, ...], dict[str, str]]:
    """The run's tests as evidence for `data`, widened for age and for spend far from the usual; and why others are not.

    Only tests on the model's own KPI that read a lift with an error enter; an invalid one never does. Raises
    ValueError, naming the test, where its figures contradict each other.
    """
    from models.mmm import widened

    tests: list[Experiment] = []
    left_out: dict[str, str] = {}
    for contract in contracts:
        reason = _unfit(contract, data, kpi, as_of)
        if reason:
            left_out[contract.test_id] = reason
        else:
            tests.append(_experiment(contract, data))
    return widened(tests, data, as_of=as_of)[0] if tests else (), left_out


def _unfit(contract: LiftContract, data: MMMData, kpi: str, as_of: date) -> str | None:
    """Why a test cannot speak to this model, or None."""
    unknown = sorted(set(contract.channels) - set(data.channels))
    if not contract.usable:
        return "the test is invalid"
    if contract.kpi != kpi:
        return f"it measured {contract.kpi}, the model explains {kpi}"
    if not contract.channels or unknown:
        return f"{unknown[0] if unknown else 'no channel'} is not a paid channel of the model"
    if not contract.has_lift:
        return "it has no lift with a standard error"
    if not contract.spend or not isfinite(contract.spend):
        return "the money that made the difference is not known"
    if not set(_regions(contract)) <= set(data.geos):
        return "it ran in regions, and the model sees all regions together"
    if contract.end > as_of or contract.end > data.dates[-1]:
        return "it had not ended within the model's data"
    if contract.start < data.dates[0]:
        return "it began before the model's data"
    return None


def experiment_of_return(contract: LiftContract, data: MMMData) -> Experiment | str:
    """A test of one channel as a reading of its return, to ask the model what it would have read; or why it cannot.

    Its own value does not enter: only window, regions and spend do.
    """
    geos = _regions(contract)
    if contract.channel is None or contract.channel not in data.channels:
        return "it is not of one paid channel of the model"
    if not contract.spend or not isfinite(contract.spend):
        return "the money that made the difference is not known"
    if not set(geos) <= set(data.geos):
        return "it ran in regions, and the model sees all regions together"
    if contract.start < data.dates[0] or contract.end > last_day(data.dates[-1], data.grain):
        return "it lies outside the model's data"
    if not geos and not _ran_everywhere(contract, data):
        return "it does not say where it ran, and what it spent is not the spend of all regions"
    return _placed(contract, data, contract.spend, value=1.0, se=1.0, estimand="iroas")


def _ran_everywhere(contract: LiftContract, data: MMMData) -> bool:
    """Whether a test without regions moved the whole spend: what it spent is what the data hold for its days.

    A result that comes without its regions mostly is of some of them, or of some users; placed on the spend of all, a
    switch-off would look like a small cut and read the return of the next unit.
    """
    if contract.tested_spend is None or contract.channel is None:
        return False
    length = {"day": 1, "week": 7, "month": 30.4375}[data.grain]
    first, end = contract.start.toordinal(), contract.end.toordinal() + 1
    begins = [day.toordinal() for day in data.dates]
    part = [max(min(b + length, end) - max(b, first), 0) / length for b in begins]
    spent = data.spend[:, :, data.channels.index(contract.channel)].sum(axis=0)
    observed = float(sum(p * s for p, s in zip(part, spent, strict=True)))
    return abs(contract.tested_spend - observed) <= SAME_SPEND * max(observed, contract.tested_spend)


def _experiment(contract: LiftContract, data: MMMData) -> Experiment:
    """The test with what the same regions would have spent without it."""
    assert contract.effect is not None
    assert contract.effect_se is not None
    assert contract.spend is not None
    return _placed(
        contract,
        data,
        contract.spend,
        value=contract.effect,
        se=contract.effect_se,
        inflation=contract.inflation,
    )


def _placed(contract: LiftContract, data: MMMData, spend: float, **reading: Any) -> Experiment:
    """The test in its window and regions; `spend` made the difference, `reading` is what it states of the effect."""
    from models.mmm import Experiment, control_path

    geos = _regions(contract)
    share, money = control_path(data, contract.channels, start=contract.start, end=contract.end, geos=geos, extra=spend)
    return Experiment(
        name=contract.test_id,
        channels=contract.channels,
        start=contract.start,
        end=contract.end,
        cooldown_days=max((contract.cooldown_end - contract.end).days, 0),
        geos=geos or None,
        control_spend=money,
        control_share=share,
        **reading,
    )


def _regions(contract: LiftContract) -> tuple[str, ...]:
    """The tested regions; none where the test ran everywhere (`all`)."""
    return tuple(geo for geo in contract.geos if geo != "all")


def table(check: pl.DataFrame | None, left_out: dict[str, str]) -> pl.DataFrame:
    """Rows of `measurement.mmm_experiment`: each test beside what the model without tests expected, or why not."""
    parts = []
    if check is not None:
        parts.append(check.rename({"experiment": "experiment_id"}).with_columns(reason=pl.lit(None, dtype=pl.String)))
    if left_out:
        parts.append(
            pl.DataFrame(
                {
                    "experiment_id": list(left_out),
                    "verdict": ["left out"] * len(left_out),
                    "reason": list(left_out.values()),
                }
            )
        )
    return pl.concat(parts, how="diagonal_relaxed") if parts else pl.DataFrame()


def calibrated(fit: MMMFit) -> pl.DataFrame:
    """Rows of `measurement.mmm_calibrated`: iROAS and incremental revenue of the fit that holds the tests."""
    money = pl.col("mean", "sd", "q05", "q50", "q95") * fit.data.money_per_kpi
    lift = fit.totals().with_columns(money, estimand=pl.lit("incremental_revenue"))
    return pl.concat([fit.roas().with_columns(estimand=pl.lit("iroas")), lift], how="diagonal_relaxed").select(
        "channel", "estimand", "mean", "sd", "q05", "q50", "q95"
    )


def as_markdown(rows: pl.DataFrame) -> str:
    """The tests for the asset's page."""
    if rows.is_empty():
        return "no test"
    lines = []
    for r in rows.to_dicts():
        said = r.get("reason") or f"found {r['value']:,.4g} ± {r['se']:,.3g}, expected {r['predicted']:,.4g}"
        lines.append(f"| {r['experiment_id']} | {r['verdict']} | {said} |")
    return "\n".join(["| test | the model without tests | lift |", "|---|---|---|", *lines])
