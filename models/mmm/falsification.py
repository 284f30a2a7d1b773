"""Attempts to break a result: fake channels, noise, a made-up driver, shorter histories. Passing certifies nothing.

Every refit here is the posterior's peak, not a full sample: hundreds of fits take seconds, and only their comparison
is used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from models.mmm import block as blocks
from models.mmm import laplace
from models.mmm.data import MMMData
from models.mmm.design import IDENTITY_LINK, Form, Scales, design
from models.mmm.experiments import Calibration
from models.mmm.forms import choose_form
from models.mmm.spec import ChannelSpec, MMMSpec, Normal
from models.warning import Warning


@dataclass(frozen=True)
class Marks:
    """What counts as passed. Shares are of the main estimate."""

    placebo_rank: float = 0.95
    perturbation: float = 0.08
    common_cause: float = 0.10
    stability: float = 0.15


@dataclass(frozen=True, eq=False)
class Falsification:
    """tests: test, channel, value, mark, passed; warnings for what failed."""

    tests: pl.DataFrame
    warnings: tuple[Warning, ...]


def falsify(
    data: MMMData,
    spec: MMMSpec | None = None,
    *,
    shifts: int = 39,
    repeats: int = 5,
    marks: Marks | None = None,
    seed: int,
) -> Falsification:
    """Placebo per channel, perturbed inputs, a random common cause and shorter histories for the MMM of `data`.

    Placebo: the channel's own series shifted in time by `shifts` random lags, under a belief that allows negative
    effects; the real estimate must beat `placebo_rank` of them. The others compare iROAS with the main estimate.
    """
    spec, marks = spec or MMMSpec(), marks or Marks()
    rng = np.random.default_rng(seed)
    form, _ = choose_form(data, spec, ())
    main_plan = design(data, spec, form)
    scales = main_plan.scales
    main = _returns(data, spec, form, scales)
    rows: list[tuple[str, str, float, float, bool]] = []
    for c, name in enumerate(data.channels):
        real, fake = _placebo(data, spec, form, scales, c, shifts, rng)
        rank = float((1 + (fake < real).sum()) / (1 + fake.size))
        rows.append(("placebo", name, rank, marks.placebo_rank, rank >= marks.placebo_rank))
    rows += _changes("perturbation", marks.perturbation, data, main, [
        _returns(_noisy(data, rng), spec, form, scales) for _ in range(repeats)])  # fmt: skip
    rows += _changes("random_common_cause", marks.common_cause, data, main, [
        _returns(_with_walk(data, rng), spec, form, None) for _ in range(repeats)])  # fmt: skip
    periods = np.arange(len(data.dates))
    shorter = [
        _returns(data.rows(periods < len(periods) - k), spec, form, scales)
        for k in (4, 8, 12)
        if len(periods) - k >= 52
    ]
    if shorter:
        rows += _changes("stability", marks.stability, data, main, shorter)
    tests = pl.DataFrame(rows, schema=["test", "channel", "value", "mark", "passed"], orient="row")
    return Falsification(tests, tuple(_warning(*row[:4]) for row in rows if not row[4]))


def _peak_effects(data: MMMData, spec: MMMSpec, form: Form, scales: Scales | None) -> tuple[np.ndarray, np.ndarray]:
    plan = design(data, spec.model_copy(update={"geo_effects": False}), form, scales=scales)
    names = blocks.names(plan)
    found = laplace.peak(blocks.build(plan, Calibration.none(*plan.y.shape)), laplace.start(plan))
    at = names.index(f"effect[{data.media_names[0]}]")
    effect = found.mode[at : at + len(data.media_names)]
    value = np.where(plan.effect.kind == IDENTITY_LINK, effect, np.exp(effect)) * plan.effect.scale_to_iroas
    paid = len(data.channels)
    return value[:paid], plan.effect.scale_to_iroas[:paid]


def _returns(data: MMMData, spec: MMMSpec, form: Form, scales: Scales | None) -> np.ndarray:
    return _peak_effects(data, spec, form, scales)[0]


def _placebo(
    data: MMMData, spec: MMMSpec, form: Form, scales: Scales, c: int, shifts: int, rng: np.random.Generator
) -> tuple[float, np.ndarray]:
    name = data.channels[c]
    _, unit = _peak_effects(data, spec, form, scales)
    share = 0.3 * unit[c]  # a belief as wide as the whole media budget's usual effect, centred on nothing
    signed = {**spec.channels, name: ChannelSpec(signed_iroas=Normal(mu=0.0, sigma=float(share)))}
    loose = spec.model_copy(update={"channels": signed})
    real = _returns(data, loose, form, scales)[c]
    least = min(2 * form.taps, len(data.dates) // 4)
    fakes = []
    for _ in range(shifts):
        lag = int(rng.integers(least, len(data.dates) - least))
        media, spend = data.media.copy(), data.spend.copy()
        media[:, :, c], spend[:, :, c] = np.roll(media[:, :, c], lag, axis=1), np.roll(spend[:, :, c], lag, axis=1)
        fakes.append(_returns(replace(data, media=media, spend=spend), loose, form, scales)[c])
    return float(real), np.array(fakes)


def _noisy(data: MMMData, rng: np.random.Generator) -> MMMData:
    factor = 1 + 0.05 * rng.normal(size=data.media.shape)
    paid = len(data.channels)
    return replace(
        data, media=np.maximum(data.media * factor, 0), spend=np.maximum(data.spend * factor[:, :, :paid], 0)
    )


def _with_walk(data: MMMData, rng: np.random.Generator) -> MMMData:
    walk = np.cumsum(rng.normal(size=len(data.dates)))
    walk = np.broadcast_to((walk - walk.mean()) / walk.std(), data.kpi.shape)[:, :, None]
    return replace(
        data,
        controls=np.concatenate([data.controls, walk], axis=2),
        control_names=(*data.control_names, "random walk"),
        control_roles=(*data.control_roles, "precision"),
    )


def _changes(
    test: str, mark: float, data: MMMData, main: np.ndarray, others: list[np.ndarray]
) -> list[tuple[str, str, float, float, bool]]:
    change = np.median(np.abs(np.array(others) / main - 1), axis=0)
    return [(test, name, float(v), mark, bool(v <= mark)) for name, v in zip(data.channels, change, strict=True)]


def _warning(test: str, channel: str, value: float, mark: float) -> Warning:
    text = {
        "placebo": ("placebo_failed", "high", f"{channel} does not stand out from made-up versions of itself: its"
                                              " estimate beats"
                    f" {value:.0%} of them, {mark:.0%} is asked.", f"Do not act on {channel} before it is tested."),
        "perturbation": ("fragile_to_noise", "medium", f"{channel} moves by {value:.0%} when 5 % noise is put on all"
                                                       " media.",
                         f"Read {channel} with its range only."),
        "random_common_cause": ("fragile_to_controls", "medium", f"{channel} moves by {value:.0%} when a meaningless"
                                                                 " control is"
                                " added.", "Fewer controls, or longer history."),
        "stability": ("unstable_over_time", "medium", f"{channel} moves by {value:.0%} when the last weeks are left"
                                                      " out.",
                      f"Wait for more data, or test {channel}."),
    }[test]  # fmt: skip
    return Warning(text[0], text[1], channel, text[2], text[3])  # type: ignore[arg-type]
