"""The combined level over periods and along the curve: shape and timing from the MMM, level from all evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from models.period_draws import PeriodDraws, in_quarters
from models.periods import WINDOW, Split
from models.triangulation.posterior import Triangulation

MOST_DRAWS = 1000  # joint draws that are handed on; more change no printed digit
BASELINE = "baseline"
# A path whose sum is below this share of its usual size, or one part of which exceeds its sum this often, has no shape.
NEAR_ZERO, MOST_OF_TOTAL = 0.05, 5.0


def window_levels(combined: Triangulation, spend: Mapping[str, float]) -> PeriodDraws:
    """Incremental money per channel of the window where there is no MMM: combined return times spend, draw by draw.

    `observed` is 0: without an MMM nothing says what the window's outcome was made of.
    """
    channels = combined.readings.channels
    money = np.array([spend.get(channel, 0.0) for channel in channels])
    values = combined.theta[handed_on(combined)] * money
    return PeriodDraws((WINDOW,), channels, values[:, None, :], np.zeros(1), money[None, :])


def period_levels(
    combined: Triangulation, segments: PeriodDraws, split: Split, *, unpaid: Sequence[str] = ()
) -> PeriodDraws:
    """Joint draws of incremental money per fiscal quarter and for the window, at the combined level.

    `segments` are an MMM's draws in money over the segments of `split`; `unpaid` are its media without spend. Each
    combined return comes with the row of the MMM's draws that it was made of (`Triangulation.mmm_draw`): the channel's
    effect falls on the segments as in that draw, and sums to return x spend over the window, which may be negative. The
    level is replaced, not multiplied, because the MMM has entered the combination already. Where that draw's effect is
    near zero, it has no shape: the mean path is taken, and where that has none either, the path of the spend.
    Components: the channels that were combined, the unpaid ones, and `baseline`, which is whatever the MMM explains
    beyond them. Where `segments` holds fewer draws than the MMM that was combined, rows are matched in proportion.
    """
    taken = handed_on(combined)
    known = combined.readings.channels
    paid = [channel for channel in segments.paid if channel in known]
    parts = []
    for channel in paid:
        c = known.index(channel)
        path = segments.values[:, :, segments.components.index(channel)]
        spend = segments.spend[:, segments.paid.index(channel)]
        row = matched(combined.mmm_draw[taken, c], _mmm_rows(combined), len(path))
        money = combined.theta[taken, c] * spend.sum()
        parts.append(money[:, None] * shape(path[row], path.mean(axis=0), spend))
    whole = segments.values[_spaced(len(segments.values), len(taken))]
    scaled = np.stack(parts, axis=2) if parts else np.zeros((*whole.shape[:2], 0))
    extra = whole[:, :, [segments.components.index(c) for c in unpaid]]
    rest = whole.sum(axis=2) - scaled.sum(axis=2) - extra.sum(axis=2)
    levelled = replace(
        segments,
        components=(*paid, *unpaid, BASELINE),
        values=np.concatenate([scaled, extra, rest[:, :, None]], axis=2),
        spend=segments.spend[:, [segments.paid.index(channel) for channel in paid]],
    )
    return in_quarters(levelled, split)


def shape(path: np.ndarray, mean_path: np.ndarray, spend: np.ndarray) -> np.ndarray:
    """Share of each segment in a channel's effect over the window, per draw; rows sum to 1.

    `path` (draws, segments) are effects, `mean_path` and `spend` (segments,). A draw whose effect nearly cancels, or is
    tiny beside the others, takes the mean path's shares; where that one cancels too, those of the spend; without spend,
    equal ones.
    """
    total = path.sum(axis=1)
    usual = float(np.abs(path).sum(axis=1).mean())
    otherwise = _shares(mean_path)
    if otherwise is None:
        otherwise = _shares(spend)
    if otherwise is None:
        otherwise = np.full(len(spend), 1 / len(spend))
    clear = np.abs(total) > NEAR_ZERO * usual
    share = np.divide(path, total[:, None], out=np.zeros_like(path), where=clear[:, None])
    clear &= np.abs(share).max(axis=1) <= MOST_OF_TOTAL
    return np.where(clear[:, None], share, otherwise)


def marginal_levels(
    combined: Triangulation, channels: Sequence[str], *, mroas: np.ndarray, roas: np.ndarray
) -> dict[str, np.ndarray]:
    """Draws of mROAS per channel at the combined level: combined return times the curve's ratio of the return of the
    next unit of spend to the average one.

    `mroas` and `roas` (draws, channels) are an MMM's own, for `channels`; each return takes the ratio of the draw that
    it was made of, the ratio of means where that draw's return is near zero. Channels without evidence are left out.
    """
    known = combined.readings.channels
    taken = handed_on(combined)
    levels = {}
    for i, channel in enumerate(channels):
        if channel not in known:
            continue
        c = known.index(channel)
        usual = float(np.abs(roas[:, i]).mean())
        clear = np.abs(roas[:, i]) > NEAR_ZERO * usual
        average = float(mroas[clear, i].sum() / roas[clear, i].sum()) if clear.any() else 1.0
        ratio = np.divide(mroas[:, i], roas[:, i], out=np.full(len(roas), average), where=clear)
        row = matched(combined.mmm_draw[taken, c], _mmm_rows(combined), len(ratio))
        levels[channel] = combined.theta[taken, c] * ratio[row]
    return levels


def handed_on(combined: Triangulation) -> np.ndarray:
    """Rows of the joint draws that periods, totals and plans read: at most `MOST_DRAWS`, the same for all of them."""
    return _spaced(len(combined.theta), min(len(combined.theta), MOST_DRAWS))


def matched(row: np.ndarray, rows: int, count: int) -> np.ndarray:
    """Rows of an MMM's table of `rows` draws in one that holds `count` of them at equal distances."""
    if rows <= 1 or rows == count:
        return np.minimum(row, count - 1)
    return np.asarray((row * (count - 1) / (rows - 1)).round().astype(np.int64))


def with_unpaid_in_baseline(draws: PeriodDraws) -> PeriodDraws:
    """The draws as a report sums them: what channels without spend brought is no return on the period's money."""
    paid = len(draws.paid)
    if BASELINE not in draws.components or len(draws.components) == paid + 1:
        return draws
    rest = draws.values[:, :, paid:].sum(axis=2, keepdims=True)
    values = np.concatenate([draws.values[:, :, :paid], rest], axis=2)
    return replace(draws, components=(*draws.paid, BASELINE), values=values)


def _mmm_rows(combined: Triangulation) -> int:
    return len(combined.readings.mmm.returns) if combined.readings.mmm is not None else 1


def _shares(path: np.ndarray) -> np.ndarray | None:
    total = float(path.sum())
    if abs(total) <= NEAR_ZERO * float(np.abs(path).sum()) or total == 0:
        return None
    return np.asarray(path / total)


def _spaced(size: int, count: int) -> np.ndarray:
    """`count` of `size` rows at equal distances, the first and the last among them."""
    return np.linspace(0, size - 1, count).round().astype(int)
