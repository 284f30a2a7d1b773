"""plumbline.yaml: what is refused, what falls to a default, and that every setting is documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.workspace.settings import LADDER, SOURCES, Settings, SettingsError, load
from models.channel_classes import CLASSES, UNKNOWN


def test_the_template_is_valid_and_names_every_top_level_setting(tmp_path: Path) -> None:
    import dagster_project

    template = Path(dagster_project.__file__).with_name("plumbline.template.yaml").read_text(encoding="utf-8")
    target = tmp_path / "plumbline.yaml"
    target.write_text(template, encoding="utf-8")
    assert load(target).company.brand == "my-company"
    documented = Path(dagster_project.__file__).parents[1].joinpath("docs/settings.md").read_text(encoding="utf-8")
    for name in Settings.model_fields:
        assert f"`{name}`" in documented, f"docs/settings.md does not explain {name}"


def test_a_source_that_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "plumbline.yaml").write_text("sources: {goggle_ads: {grain: day}}\n")
    with pytest.raises(SettingsError, match="goggle_ads"):
        load(tmp_path / "plumbline.yaml")


def test_every_fault_is_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "plumbline.yaml").write_text("margin: -1\nreport_currency: euro\ntime_zone: Nowhere\n")
    with pytest.raises(SettingsError) as caught:
        load(tmp_path / "plumbline.yaml")
    assert len(str(caught.value).splitlines()) == 3


def test_the_template_and_the_demo_list_every_class_of_channels() -> None:
    import dagster_project
    from dagster_project.demo.settings_text import settings_text
    from models.worlds.demo_company import roster_of

    template = Path(dagster_project.__file__).with_name("plumbline.template.yaml").read_text(encoding="utf-8")
    demo = roster_of(None, 7)
    text = settings_text(demo)
    for name in CLASSES:
        assert name == UNKNOWN or (name in template and name in text)
    assert {channel.channel_class for channel in demo.channels} <= set(CLASSES) - {UNKNOWN}


def test_the_class_of_a_channel_comes_from_its_line_else_from_its_name() -> None:
    company = Settings.model_validate(
        {"channels": [{"name": "growth", "class": "retargeting"}, {"name": "google_brand", "class": "search"}]}
    )
    assert company.class_of("growth").name == "retargeting"
    assert company.class_of("google_brand").name == "brand_search"
    assert company.class_of("radio").name == "audio"
    assert company.class_of("search").reason == "too_coarse"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("priors: {classes: {serach: {return_median: 1}}}", "serach is not a channel class", id="no class"),
        pytest.param("priors: {classes: {tv: {return_median: 0}}}", "greater than 0", id="a median of zero"),
        pytest.param("priors: {classes: {tv: {iroas: 1}}}", "iroas is not a setting", id="another key"),
        pytest.param(
            "channels: [{name: a}]\npriors: {channels: {b: {return_median: 1}}}",
            "priors.channels.b is not a channel; listed here: a",
            id="a channel that is not listed",
        ),
    ],
)
def test_a_prior_that_cannot_be_used_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "plumbline.yaml").write_text(text)
    with pytest.raises(SettingsError, match=complaint):
        load(tmp_path / "plumbline.yaml")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("approvals: {people: [{id: a, roles: [boss]}]}", "people a: boss is not a role", id="no role"),
        pytest.param("approvals: {gates: {publsh: {quorum: 2}}}", "publsh is not an action", id="no action"),
        pytest.param("approvals: {gates: {publish: {qorum: 2}}}", "qorum is not a setting; known", id="key"),
        pytest.param("approvals: {people: [{id: a, role: [cfo]}]}", "role is not a setting; known", id="person"),
        pytest.param("approvals: {risks: {offer: huge}}", "approvals.risks.offer is huge", id="no risk"),
        pytest.param("approvals: {risks: {ofer: claim}}", "ofer lies in no namespace", id="no feature"),
    ],
)
def test_an_approval_policy_that_cannot_be_used_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "plumbline.yaml").write_text(text)
    with pytest.raises(SettingsError, match=complaint) as caught:
        load(tmp_path / "plumbline.yaml")
    assert str(caught.value).startswith("plumbline.yaml: approvals")


def test_the_short_form_of_approvers_still_names_people_who_may_decide(tmp_path: Path) -> None:
    (tmp_path / "plumbline.yaml").write_text("approvals: {approvers: [ada@x.example], weekly_limit: 3}")
    policy = load(tmp_path / "plumbline.yaml").approvals
    assert [person.id for person in policy.everybody] == ["ada@x.example"]
    assert policy.weekly_limit == 3


def test_names_that_other_code_relies_on() -> None:
    assert len(SOURCES) == 19
    assert LADDER.index("lead") < LADDER.index("opportunity") < LADDER.index("won")


def test_every_rule_of_the_pattern_feed_is_documented_and_set_in_one_place(tmp_path: Path) -> None:
    from models.pattern_rules import ExposureRules, PromotionPolicy

    page = Path(__file__).parents[2].joinpath("docs/methods/patterns.md").read_text(encoding="utf-8")
    for name in (*PromotionPolicy.model_fields, *ExposureRules.model_fields):
        assert f"`{name}`" in page, f"docs/methods/patterns.md does not explain {name}"
    path = tmp_path / "plumbline.yaml"
    path.write_text("patterns: {max_life_days: 90, rules: {watch_p: 0.7}, exposure: {pair_share: 0.5}}\n")
    patterns = load(path).patterns
    assert (patterns.policy.watch_p, patterns.policy.max_life_days, patterns.exposure.pair_share) == (0.7, 90, 0.5)
    for rules, complaint in (
        ("max_life_days: 90", "stands under patterns"),
        ("risk: {offer: claim}", "approvals.risks"),
        ("approved: [headline.number]", "a person approves"),
        ("wacth_p: 0.7", "watch_p"),
    ):
        path.write_text(f"patterns: {{rules: {{{rules}}}}}\n")
        with pytest.raises(SettingsError, match=complaint):
            load(path)
