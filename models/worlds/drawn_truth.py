"""What truth.json adds for a company of a kind: the class of each channel, its platform's claim, its variation."""

from __future__ import annotations

from typing import Any

import polars as pl

from models.worlds.roster import Roster


def what_was_drawn(roster: Roster, channels: dict[str, dict[str, Any]], ads: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """The true channels with their class, what their platform claimed, and whether they ever varied."""
    claimed = dict(ads.group_by("channel").agg(pl.col("value").sum()).iter_rows())
    return {
        channel.name: channels[channel.name]
        | {
            "class": channel.channel_class,
            "claimed_revenue": round(float(claimed.get(channel.name, 0.0)), 2) if channel.tracked is not None else None,
            "marginal_share": channel.half_saturation / (1 + channel.half_saturation),
            "varies": channel.rhythm != "constant",
        }
        for channel in roster.channels
    }
