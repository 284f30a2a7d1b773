"""The channel table of a report in the form that agents read: the same numbers, no point where it has none."""

from __future__ import annotations

from typing import Any

from feedback.reports.figure_store import FigureStore

MEASURED, NOT_MEASURED, NOT_MODELLED = "measured", "not measured", "not modelled"


def channel_evidence(store: FigureStore) -> list[dict[str, Any]]:
    """One row per channel of the report, in its order.

    `iroas` and `mroas` are ratios of revenue to spend with their interval; `value` is null where the channel is not
    measured, that is, where more than half of the weight behind it is prior. Both are null where the channel could not
    be modelled. `claim` is what the platform says of itself and is no evidence.
    """
    return [_row(store, name) for name in store.names("channel") if f"channel.{name}.label" in store]


def about_report(store: FigureStore) -> dict[str, Any]:
    """Which report the rows come from: period, currency, the days measured, and the hash of its figures."""
    return {
        "period": store.text("page.period"),
        "start": store.text("page.start"),
        "end": store.text("page.end"),
        "currency": store.text("page.currency"),
        "figures_sha256": store.text("store.sha256") or store.sha256,
        "as_of_day": store.text("run.as_of_day"),
    }


def _row(store: FigureStore, name: str) -> dict[str, Any]:
    measured = store.text(f"channel.{name}.measured") != "no"
    iroas = _estimate(store, f"channel.{name}.iroas", with_point=measured)
    claim = store.get(f"channel.{name}.claim")
    status = NOT_MODELLED if iroas is None else MEASURED if measured else NOT_MEASURED
    return {
        "channel": name,
        "label": store.text(f"channel.{name}.label"),
        "status": status,
        "grade": store.text(f"channel.{name}.grade"),
        "iroas": iroas,
        "mroas": _estimate(store, f"channel.{name}.mroas", with_point=measured),
        "claim": None if claim is None else float(claim.value),
        "last_test": store.text(f"channel.{name}.last_test") or None,
    }


def _estimate(store: FigureStore, identifier: str, *, with_point: bool) -> dict[str, Any] | None:
    figure = store.get(identifier)
    if figure is None or figure.low is None or figure.high is None or figure.level is None:
        return None
    return {
        "value": float(figure.value) if with_point else None,
        "low": float(figure.low),
        "high": float(figure.high),
        "level": float(figure.level),
        "basis": figure.basis,
    }
