"""The class of a channel from settings and name, and the priors that follow: complete, in bounds, in r units."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from models.channel_classes import (
    ALIASES,
    CLAIM_SOURCES,
    CLAIM_TYPES,
    CLASSES,
    COARSE,
    UNKNOWN,
    ChannelClass,
    ClaimBias,
    class_of,
    iroas_prior,
)

GRADES = {"A", "A-", "B+", "B", "B-", "C+", "C", "none"}
PAGE = Path(__file__).parents[2] / "docs" / "methods" / "channel-classes.md"


@pytest.mark.parametrize("row", CLASSES.values(), ids=CLASSES.keys())
def test_every_class_has_all_its_figures_with_a_grade_and_a_source(row):
    assert 0 <= row.no_effect <= 0.4
    assert 0 < row.marginal_share < 1
    assert {row.grade_return, row.grade_half_life, *(c.grade for c in row.claims.values())} <= GRADES
    assert row.source
    assert set(row.claims) <= set(CLAIM_TYPES) == set(CLAIM_SOURCES)
    assert len({row.tracked is None, row.harvest is None, row.harvest_log_sd is None}) == 1


def test_the_unknown_class_is_wide_and_has_a_bias_for_every_type_of_claim():
    unknown = CLASSES[UNKNOWN]
    assert set(unknown.claims) == set(CLAIM_TYPES)
    assert unknown.return_log_sd >= 0.9
    assert not unknown.follows_demand


def test_the_classes_that_follow_demand_are_the_four_that_an_mmm_overstates():
    assert {n for n, row in CLASSES.items() if row.follows_demand} == {
        "brand_search",
        "retargeting",
        "display",
        "affiliate_coupon",
    }


def test_every_alias_and_every_coarse_word_points_to_classes_and_is_none_itself():
    targets = {*ALIASES.values(), *(option for options in COARSE.values() for option in options)}
    assert targets <= set(CLASSES) - {UNKNOWN}
    assert not set(CLASSES) & {*ALIASES, *COARSE}
    assert not set(ALIASES) & set(COARSE)
    assert all(len(options) > 1 for options in COARSE.values())


@pytest.mark.parametrize(
    ("channel", "configured", "name", "reason"),
    [
        pytest.param("anything", "tv", "tv", "configured", id="a class"),
        pytest.param("anything", "Branded Search", "brand_search", "configured", id="an alias, as people write it"),
        pytest.param("paid_search_brand", "search", "brand_search", "inferred", id="search, brand in the name"),
        pytest.param("paid_search_generic", "search", "generic_search", "inferred", id="search, generic in the name"),
        pytest.param("google_non_brand", "search", "generic_search", "inferred", id="non-brand is not brand"),
        pytest.param("google_pmax", "search", "shopping", "inferred", id="performance max"),
        pytest.param("paid_social_linkedin", "social", "b2b_social", "inferred", id="social, LinkedIn"),
        pytest.param("meta_retargeting", "paid_social", "retargeting", "inferred", id="retargeting goes before Meta"),
        pytest.param("events", "event", "events", "configured", id="event is one class"),
        pytest.param("newsletter", "owned", "newsletter", "inferred", id="owned, newsletter in the name"),
        pytest.param("coupon_partners", "affiliate", "affiliate_coupon", "inferred", id="affiliates with coupons"),
        pytest.param("linear_tv", None, "tv", "inferred", id="no class, telling name"),
        pytest.param("youtube", "other", "online_video", "inferred", id="a word without meaning, telling name"),
        pytest.param("google_ads", "search", "unknown", "too_coarse", id="search, the name does not tell"),
        pytest.param("video", "video", "unknown", "too_coarse", id="video, the name says the same"),
        pytest.param("paid_search", None, "unknown", "too_coarse", id="no class, coarse name"),
        pytest.param("radio_retargeting", "search", "unknown", "too_coarse", id="a name cannot leave its coarse word"),
        pytest.param("agency_x", None, "unknown", "unknown", id="nothing tells"),
        pytest.param("agency_x", "growth", "unknown", "unknown", id="a word that is no class"),
        pytest.param("brand_awareness", None, "unknown", "unknown", id="brand alone is no search"),
        pytest.param("tv", "unknown", "unknown", "configured", id="unknown on purpose"),
    ],
)
def test_the_class_of_a_channel(channel, configured, name, reason):
    choice = class_of(channel, configured)
    assert (choice.name, choice.reason) == (name, reason)
    assert bool(choice.options) == (reason == "too_coarse")


def test_the_prior_of_iroas_is_the_return_over_the_margin():
    assert iroas_prior(CLASSES["brand_search"], 0.5) == pytest.approx((0.9, 0.9))
    assert iroas_prior(class_of("x", "newsletter"), 1.0) == pytest.approx((3.0, 0.8))


def test_an_unset_margin_is_taken_as_sixty_percent_and_widens_the_prior():
    median, log_sd = iroas_prior(CLASSES["generic_search"], None)
    assert median == pytest.approx(1 / 0.6)
    assert log_sd == pytest.approx(math.sqrt(0.55**2 + 0.35**2))


@pytest.mark.parametrize("margin", [0.0, -0.1, 72.0])
def test_a_margin_that_is_no_share_is_refused(margin):
    with pytest.raises(ValueError, match=f"margin={margin}"):
        iroas_prior(CLASSES["tv"], margin)


def test_a_row_with_an_impossible_figure_is_refused():
    with pytest.raises(ValueError, match=r"no_effect=1\.5 of class x"):
        ChannelClass("x", 1.5, 1, 1, 1, 1, 1, "C", "C", "s")
    with pytest.raises(ValueError, match="half_life_weeks=0"):
        ChannelClass("x", 0.1, 1, 1, 0, 1, 1, "C", "C", "s")
    with pytest.raises(ValueError, match="sd=0"):
        ClaimBias(0.5, 0, "C")


def test_the_page_prints_the_table_as_it_is():
    """Each class stands on the page with its figures; the page cannot drift from the table."""
    printed = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if re.fullmatch(r"`[a-z0-9_]+`", cells[0]) and cells[0].strip("`") in CLASSES:
            printed.setdefault(cells[0].strip("`"), []).append(cells[1:])
    assert set(printed) == set(CLASSES)
    for name, row in CLASSES.items():
        figures, claims = printed[name]
        assert figures == [
            f"{row.no_effect:.2f}",
            f"{row.return_median:.2f} ({row.return_log_sd:.2f})",
            f"{row.half_life_weeks:g} ({row.half_life_log_sd:.2f})",
            f"{row.marginal_share:.2f}",
            f"{row.grade_return} / {row.grade_half_life}",
            row.source,
        ]
        biases = [row.claims.get(t) for t in CLAIM_TYPES]
        assert claims[: len(CLAIM_TYPES)] == [f"{b.mean:+.2f} ± {b.sd:.2f}" if b else "-" for b in biases]
