"""One page says what a fit is, and repeats its tables."""

from __future__ import annotations

import pytest

from models.mmm import LogNormal, MMMData, MMMSpec, fit, model_card
from models.mmm.spec import ChannelSpec
from tests.models.mmm.mmm_worlds import frame


@pytest.fixture(scope="module")
def fitted():
    long, _ = frame(periods=104, seed=2, controls=True)
    long = long.rename({"a": "tv|<b>"})
    data = MMMData.from_frame(
        long, date="date", kpi="kpi", spend={"tv|<b>": "tv|<b>", "b": "b"}, controls={"price": "precision"}
    )
    own = {"b": ChannelSpec(iroas=LogNormal.with_median(2.0, 0.5))}
    return fit(data, MMMSpec(adstock="geometric", saturation="logistic", channels=own), seed=1)


def test_the_card_names_data_priors_engine_gates_and_limits(fitted):
    card = model_card(fitted)
    heads = [line for line in card.splitlines() if line.startswith("## ")]
    assert heads == [
        "## Data",
        "## Specification",
        "## Priors",
        "## Engine and choices",
        "## Gates",
        "## Numbers and what they rest on",
        "## Closure",
        "## Warnings",
        "## What this model does not know",
    ]
    assert "104 weeks from 2022-01-03" in card
    assert "control price: precision" in card
    assert "| b | iROAS | 2 | 0.879 to 4.55 | analyst |" in card  # exp(log 2 +- 1.645 * 0.5)
    assert "adstock = geometric" in card
    assert "this fit holds no test of them" in card
    assert card.startswith("# Model card: media mix model\n\nConverged.")


def test_the_card_repeats_the_numbers_of_the_tables(fitted):
    card = model_card(fitted)
    row = fitted.roas().row(1, named=True)
    assert f"{row['mean']:.2f} ({row['q05']:.2f} to {row['q95']:.2f})" in card
    for line, total in fitted.closure().filter(fitted.closure()["line"] != "tv|<b>").iter_rows():
        assert f"| {line.replace('_', chr(92) + '_')} | {total:,.0f} |" in card
    for warning in fitted.warnings():
        assert f"| {warning.severity} | {warning.code} |" in card


def test_a_name_cannot_break_the_page(fitted):
    card = model_card(fitted)
    assert "<b>" not in card
    assert "tv\\|&lt;b&gt;" in card
    tables = [line for line in card.splitlines() if line.startswith("| tv")]
    assert {line.replace("\\|", "").count("|") for line in tables} <= {4, 6, 7}
