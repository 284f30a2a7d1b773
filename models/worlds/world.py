"""What every simulator returns: the frames a company could export, and the truth that it cannot observe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl


@dataclass(frozen=True)
class World:
    """A simulated company or panel.

    `frames` holds clean tables by name, before any vendor's format and before any dirt. `truth` is plain data (dicts,
    lists, numbers, texts) and follows from simulated counterfactuals: the same noise, one cause removed.
    """

    frames: Mapping[str, pl.DataFrame]
    truth: Mapping[str, Any]
