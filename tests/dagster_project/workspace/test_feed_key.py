"""The feed's secret: made once, for its owner only, never replaced in silence."""

from __future__ import annotations

import pytest

from dagster_project.workspace.feed_key import FeedKeyError, existing_feed_key, feed_key


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch):
    monkeypatch.delenv("PLUMBLINE_FEED_KEY", raising=False)


def test_it_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    assert existing_feed_key(tmp_path) is None
    key = feed_key(tmp_path)
    assert feed_key(tmp_path) == existing_feed_key(tmp_path) == key
    assert len(key) == 64
    assert (tmp_path / "feed.key").stat().st_mode & 0o077 == 0


def test_a_damaged_file_stops_instead_of_making_every_earlier_offer_look_forged(tmp_path):
    (tmp_path / "feed.key").write_text("short")
    with pytest.raises(FeedKeyError, match=r"feed.key: is damaged.*restore it from a backup"):
        feed_key(tmp_path)


def test_the_environment_comes_first_and_must_not_be_guessable(tmp_path, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_FEED_KEY", "x" * 40)
    assert feed_key(tmp_path) == b"x" * 40
    assert not (tmp_path / "feed.key").exists()
    monkeypatch.setenv("PLUMBLINE_FEED_KEY", "guess")
    with pytest.raises(FeedKeyError, match="PLUMBLINE_FEED_KEY: has 5 characters"):
        feed_key(tmp_path)
