"""The prior of a channel: its class, replaced by what plumbline.yaml states, and said in a table and in warnings."""

from __future__ import annotations

from typing import Any

import pytest

from dagster_project.assets.mmm.channel_priors import channel_prior, channel_specs, table, warnings
from dagster_project.workspace.settings import Settings
from models.channel_classes import CLASSES


def company(**settings: Any) -> Settings:
    return Settings.model_validate(
        {"margin": 0.5, "channels": [{"name": "brand", "class": "brand_search"}], **settings}
    )


def test_the_class_gives_the_prior_of_iroas_at_the_margin_and_of_the_half_life_in_weeks() -> None:
    spec = channel_specs([channel_prior(company(), "brand")], with_return=True)["brand"]
    assert spec.iroas is not None
    assert spec.half_life is not None
    assert spec.iroas.mean == pytest.approx(0.9 * 2.718281828 ** (0.9**2 / 2))
    assert spec.half_life.sigma == CLASSES["brand_search"].half_life_log_sd
    assert spec.from_class


def test_what_the_company_states_replaces_the_class_and_a_channel_goes_before_its_class() -> None:
    stated = company(
        priors={
            "classes": {"brand_search": {"return_median": 0.2, "half_life_weeks": 1.0}},
            "channels": {"brand": {"half_life_weeks": 2.0}},
        }
    )
    prior = channel_prior(stated, "brand")
    assert (prior.row.return_median, prior.row.half_life_weeks) == (0.2, 2.0)
    assert prior.row.return_log_sd == CLASSES["brand_search"].return_log_sd
    assert not prior.stated
    rows = {r["quantity"]: r for r in table([prior]).to_dicts()}
    assert rows["half_life_weeks"]["source"] == "plumbline.yaml"
    assert "priors.channels" in rows["half_life_weeks"]["basis"]
    assert rows["iroas"]["basis"] == "class table, priors.classes"


def test_a_return_stated_for_one_channel_is_a_statement_that_no_fit_may_change() -> None:
    stated = company(priors={"channels": {"brand": {"return_median": 0.2}}})
    prior = channel_prior(stated, "brand")
    assert prior.stated
    assert not channel_specs([prior], with_return=True)["brand"].from_class


def test_without_returns_in_money_only_the_half_life_is_set() -> None:
    spec = channel_specs([channel_prior(company(), "brand")], with_return=False)["brand"]
    assert spec.iroas is None
    assert spec.half_life is not None


def test_an_unset_margin_widens_the_prior() -> None:
    unset = channel_prior(company(margin=None), "brand").iroas
    assert unset[0] == pytest.approx(0.45 / 0.6)
    assert unset[1] > CLASSES["brand_search"].return_log_sd


def test_a_row_without_public_evidence_says_so() -> None:
    rows = table([channel_prior(company(), "events")]).to_dicts()
    assert {r["source"] for r in rows} == {"no public evidence"}
    assert {r["grade"] for r in rows} == {"none"}


@pytest.mark.parametrize(
    ("channel", "code", "said"),
    [
        pytest.param("paid_search", "class_too_coarse", "brand_search, generic_search, shopping", id="too coarse"),
        pytest.param("agency_x", "class_unknown", "wide prior", id="nothing tells"),
    ],
)
def test_a_class_that_says_too_little_is_named_with_the_classes_to_choose_from(
    channel: str, code: str, said: str
) -> None:
    (note,) = warnings([channel_prior(company(), channel)])
    assert (note.code, note.subject) == (code, channel)
    assert said in note.message
    assert "plumbline.yaml" in note.action


def test_a_known_class_needs_no_warning() -> None:
    assert warnings([channel_prior(company(), name) for name in ("brand", "radio")]) == []
