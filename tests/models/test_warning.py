"""A warning says which channels it is about, whatever their names hold."""

from __future__ import annotations

import pytest

from models.warning import Warning


def test_a_warning_about_several_channels_concerns_each_of_them_and_nothing_else() -> None:
    warning = Warning.about("code", "low", ["TV, national", "radio"], "message", "action")
    assert warning.subject == "TV, national, radio"
    assert [name for name in ("TV, national", "radio", "TV", "all") if warning.concerns(name)] == [
        "TV, national",
        "radio",
    ]


def test_a_warning_about_one_channel_concerns_it() -> None:
    warning = Warning("code", "low", "TV, national", "message", "action")
    assert warning.concerns("TV, national")
    assert not warning.concerns("TV")


def test_a_warning_about_no_channel_is_about_the_whole_run() -> None:
    warning = Warning.about("code", "low", [], "message", "action")
    assert warning.subject == "all"
    assert Warning.about("code", "low", [], "message", "action", none="revenue").subject == "revenue"


@pytest.mark.parametrize("field", ["code", "subject", "message", "action"])
def test_an_empty_text_is_refused(field: str) -> None:
    texts = {"code": "code", "subject": "tv", "message": "message", "action": "action"} | {field: ""}
    with pytest.raises(ValueError, match=f"no {field}"):
        Warning(texts["code"], "low", texts["subject"], texts["message"], texts["action"])
