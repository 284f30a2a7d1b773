"""Tests of written pieces as the pipeline makes them: features read from the texts, results from the events."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import polars as pl

from feedback.patterns import VOCABULARY
from feedback.patterns.piece_features import Piece, piece_features
from models.worlds.quillhaven import QUILLHAVEN
from models.worlds.written_pieces import WrittenPieces, written_pieces

FIRST_DAY = date(2024, 1, 1)


def written(seed: int, days: int, briefs_per_week: float = 3.0) -> WrittenPieces:
    """Pieces of the demo company with their texts."""
    span = [FIRST_DAY + timedelta(days=i) for i in range(days)]
    return written_pieces(QUILLHAVEN, span, briefs_per_week, np.random.default_rng(seed))


def read_back(world: WrittenPieces) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(tests, features) of these pieces, as `learn` reads them."""
    rows = [
        (piece["variant_id"], found.feature)
        for piece in world.pieces.iter_rows(named=True)
        for found in piece_features(
            Piece(
                None,
                piece["text"],
                piece["language"],
                piece["format"],
                {"visual": piece["visual"], **json.loads(piece["features"])},
            )
        )
        if found.feature in VOCABULARY
    ]
    features = pl.DataFrame(rows, schema=["variant", "feature"], orient="row")
    tests = pl.DataFrame([json.loads(payload) for payload in world.events["payload"]])
    return tests.rename({"brief_id": "brief", "variant_id": "variant"}).with_columns(
        pl.col("week").str.to_date()
    ), features
