"""What a channel returns once the making of its content is paid for too, and what pieces with a pattern cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

ReturnState = Literal["measured", "range only", "not applicable", "could not be computed"]
ENGAGEMENT_ONLY = "a pattern's effect is known on engagement, which is no money; only the cost of its pieces is shown"


@dataclass(frozen=True)
class ContentReturn:
    """A channel or a pattern with the cost of its content over the measured days.

    `margin_iroas` with `low, high` (90 %): incremental margin over media and content cost together; below 1 the two
    cost more than they bring. None unless `state` is measured; `range only` where the channel is mostly prior. `pieces`
    were briefed in these days, killed drafts included; `priced` of them have a cost.
    """

    subject_kind: Literal["channel", "pattern"]
    subject: str
    state: ReturnState
    reason: str
    pieces: int
    priced: int
    content_cost: float | None
    tokens: float | None
    human_minutes: float | None
    media_spend: float | None = None
    margin_iroas: float | None = None
    low: float | None = None
    high: float | None = None


def channel_returns(
    pieces: pl.DataFrame, estimates: pl.DataFrame, media: Mapping[str, float], margin: float | None
) -> tuple[ContentReturn, ...]:
    """Margin iROAS per channel that content was made for.

    margin x iROAS x media / (media + content): the content's cost is known, so the range is that of the iROAS. Content
    whose cost is partly unknown makes the return look better than it is; the reason then says so. `pieces`: channel,
    cost, tokens, human_minutes. `estimates`: channel, mean, q05, q95, measured of the iROAS over the same days as
    `media`.
    """
    iroas = {row["channel"]: row for row in estimates.iter_rows(named=True)}
    rows = []
    for (channel,), made in pieces.drop_nulls("channel").sort("channel").group_by("channel", maintain_order=True):
        cost = _costs("channel", str(channel), made)
        spend, estimate = media.get(str(channel), 0.0), iroas.get(str(channel))
        if cost.content_cost is None:
            rows.append(_stopped(cost, "not applicable", "no cost of its content was delivered"))
        elif spend <= 0 or estimate is None:
            rows.append(_stopped(cost, "not applicable", "no media spend on the measured days, so there is no iROAS"))
        elif margin is None:
            rows.append(_stopped(cost, "could not be computed", "margin is not set in plumbline.yaml"))
        else:
            factor = margin * spend / (spend + cost.content_cost)
            rows.append(_returned(cost, spend, factor, estimate))
    return tuple(rows)


def pattern_costs(pieces: pl.DataFrame, features: pl.DataFrame) -> tuple[ContentReturn, ...]:
    """What the pieces that carry a pattern's feature cost to make; no return, since the effect is not in money.

    `pieces`: variant, cost, tokens, human_minutes; `features`: variant, feature of the patterns in the feed.
    """
    carrying = features.join(pieces, on="variant", how="inner").sort("feature", "variant")
    return tuple(
        _stopped(_costs("pattern", str(feature), made), "not applicable", ENGAGEMENT_ONLY)
        for (feature,), made in carrying.group_by("feature", maintain_order=True)
    )


def _costs(kind: Literal["channel", "pattern"], subject: str, made: pl.DataFrame) -> ContentReturn:
    def total(column: str) -> float | None:
        known = made[column].drop_nulls()
        return float(known.sum()) if len(known) else None

    priced = made.height - made["cost"].null_count()
    return ContentReturn(
        kind, subject, "measured", "", made.height, priced, total("cost"), total("tokens"), total("human_minutes")
    )


def _stopped(cost: ContentReturn, state: ReturnState, reason: str) -> ContentReturn:
    return ContentReturn(**{**cost.__dict__, "state": state, "reason": reason})


def _returned(cost: ContentReturn, spend: float, factor: float, estimate: Mapping[str, float | bool]) -> ContentReturn:
    unpriced = cost.pieces - cost.priced
    said = [f"{unpriced} of {cost.pieces} pieces have no cost: the return is lower than shown"] if unpriced else []
    measured = estimate["measured"] is not False
    if not measured:
        said.append("more than half of the channel's number is prior: no point")
    changed = {
        "state": "measured" if measured else "range only",
        "reason": "; ".join(said),
        "media_spend": spend,
        "margin_iroas": factor * estimate["mean"] if measured else None,
        "low": factor * estimate["q05"],
        "high": factor * estimate["q95"],
    }
    return ContentReturn(**{**cost.__dict__, **changed})
