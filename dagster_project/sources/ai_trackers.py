"""Rates that a paid tracker of AI answers exports: one row per day, engine, brand and measure, as the vendor counts.

Vendors count different events under one name, so these rows are never added to our own answers.
"""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from dagster_project.sources.contract import Broken, Context, Entity, Field, Reshape, Shape

TABLE = Entity(
    "ai_tracker",
    (
        ("tracker", "text"),
        ("day", "day"),
        ("engine", "text"),
        ("surface", "text"),
        ("brand", "text"),
        ("prompt_id", "id"),
        ("measure", "text"),
        ("numerator", "double"),
        ("denominator", "double"),
        ("value", "double"),
    ),
)
_KEY = ("tracker", "day", "engine", "surface", "brand", "prompt_id", "measure")


def _shape(
    name: str, tracker: str | None, measure: str | None, columns: dict[str, tuple[str, ...]], needs: tuple[str, ...]
) -> Shape:
    """A form of flat rows: which header fills which column; `needs` are the columns by which it is recognised."""
    fields = [
        Field(column, kind, columns.get(column, (f"no {column}",)), required=column in needs, filled=column in needs)
        for column, kind in TABLE.columns
        if column in columns
    ]
    constants = {"tracker": tracker, "measure": measure}
    return Shape(
        name,
        "ai_tracker",
        fields=(
            *fields,
            *(Field(c, "text", (f"told {c}",)) for c in ("tracker", "measure", "surface") if c not in columns),
        ),
        key=_KEY,
        keeps_unknown=False,
        point_decimal=True,
        reshape=_filled({k: v for k, v in constants.items() if v is not None}, columns),
    )


def _filled(constants: dict[str, str], columns: dict[str, tuple[str, ...]]) -> Reshape:
    def reshaped(frame: pl.DataFrame, ctx: Context) -> tuple[pl.DataFrame, list[Broken]]:
        """The vendor's columns under our names; shares in per cent become shares of one."""
        places = {c: next((p for n in names if (p := ctx.place(n))), None) for c, names in columns.items()}
        rows = [
            {"_row": line["_row"], **constants, **{c: _cell(c, line[p]) for c, p in places.items() if p is not None}}
            for line in frame.iter_rows(named=True)
        ]
        for row in rows:
            row.setdefault("surface", _surface(str(row.get("engine") or "")))
        names = dict.fromkeys(["_row", "surface", *constants, *(c for c, p in places.items() if p is not None)])
        schema: dict[str, Any] = {name: pl.Int64 if name == "_row" else pl.String for name in names}
        return pl.DataFrame([{n: row.get(n) for n in names} for row in rows], schema=schema), []

    return reshaped


def _cell(column: str, text: str | None) -> str | None:
    if text is None:
        return None
    text = text.strip()
    if column == "brand" and text.startswith("{"):  # {"id": …, "name": …}
        try:
            return str(json.loads(text)["name"])
        except (ValueError, KeyError, TypeError):
            return text
    if column == "value" and text.endswith("%"):
        return str(float(text[:-1]) / 100) if text[:-1].strip().replace(".", "", 1).isdigit() else text
    return text


def _surface(engine: str) -> str:
    """Trackers that read the chat sites call these engines `…-scraper`; all others say nothing."""
    return "ui_logged_out" if engine.endswith("-scraper") else "import"


SHAPES = (
    _shape(
        "peec:brands",
        "peec",
        "mention_rate",
        {
            "day": ("date",),
            "engine": ("model_id", "model"),
            "brand": ("brand", "brand_name", "brand.name"),
            "prompt_id": ("prompt_id",),
            "numerator": ("visibility_count",),
            "denominator": ("visibility_total",),
        },
        ("day", "brand", "numerator", "denominator"),
    ),
    _shape(
        "profound:visibility",
        "profound",
        "mention_rate",
        {
            "day": ("date",),
            "engine": ("model",),
            "brand": ("asset_name",),
            "value": ("visibility_score",),
        },
        ("day", "brand", "value"),
    ),
    _shape(
        "writesonic:performance",
        "writesonic",
        "mention_rate",
        {
            "day": ("date",),
            "engine": ("model",),
            "brand": ("website", "brand"),
            "numerator": ("mention_count",),
            "denominator": ("number_of_answers",),
        },
        ("day", "brand", "numerator", "denominator"),
    ),
    _shape(
        "tracker",
        None,
        None,
        {
            "tracker": ("tracker",),
            "day": ("day", "date"),
            "engine": ("engine",),
            "surface": ("surface",),
            "brand": ("brand",),
            "prompt_id": ("prompt_id",),
            "measure": ("measure",),
            "numerator": ("numerator",),
            "denominator": ("denominator",),
            "value": ("value",),
        },
        ("tracker", "day", "brand", "measure"),
    ),
)
