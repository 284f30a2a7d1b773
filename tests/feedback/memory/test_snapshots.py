"""The memory: whole or unchanged after any crash, empty when old or damaged, one brand never in another's."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest
from made_cards import NOW, RUN, cards, decision, estimate, of_brand

from feedback.memory import ChangesGone, MemoryBusy, changes_after, prune, publish, read, snapshots
from feedback.patterns import block, next_versions


def files(memory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(memory)): p.read_bytes() for p in sorted(memory.rglob("*.json"))}


def test_what_is_published_is_what_is_read(tmp_path: Path) -> None:
    feed = publish(tmp_path, "acme", cards(), NOW)
    assert (feed.feed_seq, feed.reason, list(feed.cards)) == (1, None, cards())
    assert set(files(tmp_path)) == {"acme/feed-1.json", "acme/CURRENT.json"}


def test_publishing_the_same_again_changes_no_file_and_later_only_the_date(tmp_path: Path) -> None:
    publish(tmp_path, "acme", cards(), NOW)
    before = files(tmp_path)
    publish(tmp_path, "acme", cards(), NOW)
    assert files(tmp_path) == before
    feed = publish(tmp_path, "acme", cards(), NOW + timedelta(days=2))
    assert (feed.feed_seq, feed.checked_at) == (1, "2026-11-18T06:00:00Z")
    assert files(tmp_path)["acme/feed-1.json"] == before["acme/feed-1.json"]


def test_changes_rise_in_order_and_retired_cards_leave_the_feed(tmp_path: Path) -> None:
    first = cards()
    publish(tmp_path, "acme", first, NOW)
    moved = next_versions(first, [decision(estimate=estimate(shrunk=0.08))], NOW, RUN)
    publish(tmp_path, "acme", first + moved, NOW)
    gone = block(moved[0], NOW)
    feed = publish(tmp_path, "acme", [*first, *moved, gone], NOW)
    assert (feed.feed_seq, feed.cards) == (3, ())
    told = [(c["feed_seq"], c["version"], c["state"]) for c in changes_after(tmp_path, "acme", 0)]
    assert told == [(1, 1, "promoted"), (2, 2, "promoted"), (3, 3, "blocked")]
    assert [c["feed_seq"] for c in changes_after(tmp_path, "acme", 2)] == [3]
    assert changes_after(tmp_path, "acme", 3) == []


def test_an_old_feed_gives_no_patterns_and_says_why(tmp_path: Path) -> None:
    publish(tmp_path, "acme", cards(), NOW)
    assert read(tmp_path, "acme", NOW + timedelta(hours=72)).reason is None
    old = read(tmp_path, "acme", NOW + timedelta(hours=73))
    assert old.cards == ()
    assert "73 hours ago" in str(old.reason)
    assert "clock" in str(read(tmp_path, "acme", NOW - timedelta(hours=2)).reason)


@pytest.mark.parametrize(
    ("name", "damage", "reason"),
    [
        pytest.param("feed-1.json", b"{}", "hash", id="another snapshot"),
        pytest.param("feed-1.json", None, "hash", id="snapshot gone"),
        pytest.param("CURRENT.json", b'{"feed_seq":', "damaged", id="half a pointer"),
        pytest.param(
            "CURRENT.json",
            b'{"feed_seq":1,"sha256":"x","prev_sha256":null,"checked_at":5}',
            "damaged",
            id="a number for a time",
        ),
        pytest.param("CURRENT.json", b"[]", "damaged", id="a pointer of another kind"),
        pytest.param("CURRENT.json", None, "nothing was published", id="no pointer"),
    ],
)
def test_damage_gives_no_patterns_and_publishing_again_heals(
    tmp_path: Path, name: str, damage: bytes | None, reason: str
) -> None:
    publish(tmp_path, "acme", cards(), NOW)
    at = tmp_path / "acme" / name
    at.unlink() if damage is None else at.write_bytes(damage)
    feed = read(tmp_path, "acme", NOW)
    assert feed.cards == ()
    assert reason in str(feed.reason)
    healed = publish(tmp_path, "acme", cards(), NOW)
    assert (healed.reason, len(healed.cards), healed.feed_seq) == (None, 1, 2)


def test_a_changed_byte_in_a_snapshot_is_seen(tmp_path: Path) -> None:
    publish(tmp_path, "acme", cards(), NOW)
    at = tmp_path / "acme" / "feed-1.json"
    at.write_bytes(at.read_bytes().replace(b"Use a number", b"Use a smiley"))
    assert read(tmp_path, "acme", NOW).cards == ()


def test_cards_past_their_time_are_held_back(tmp_path: Path) -> None:
    publish(tmp_path, "acme", cards(), NOW)
    feed = read(tmp_path, "acme", NOW + timedelta(days=366), max_staleness=timedelta(days=999))
    assert feed.cards == ()
    assert feed.held_back == (cards()[0]["pattern_id"],)
    assert feed.reason is None


def test_a_brand_is_a_wall(tmp_path: Path) -> None:
    publish(tmp_path, "acme", cards(), NOW)
    with pytest.raises(ValueError, match="belongs to brand 'bolt'"):
        publish(tmp_path, "acme", cards(run=of_brand("bolt")), NOW)
    assert read(tmp_path, "bolt", NOW).cards == ()
    (tmp_path / "bolt").mkdir()
    for file in (tmp_path / "acme").glob("*.json"):
        (tmp_path / "bolt" / file.name).write_bytes(file.read_bytes())
    assert read(tmp_path, "bolt", NOW).cards == ()
    for name in ("../acme", "ACME", "", "a/b"):
        with pytest.raises(ValueError, match="not a plain id"):
            read(tmp_path, name, NOW)


def test_a_card_with_a_wrong_hash_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="content_sha256"):
        publish(tmp_path, "acme", [cards()[0] | {"state": "watch"}], NOW)
    assert not files(tmp_path)


def test_two_writers_do_not_mix(tmp_path: Path) -> None:
    from filelock import FileLock

    (tmp_path / "acme").mkdir()
    with FileLock(tmp_path / "acme" / ".writer.lock"), pytest.raises(MemoryBusy, match="another process"):
        publish(tmp_path, "acme", cards(), NOW, wait_seconds=0.05)


@pytest.mark.parametrize("step", [1, 2])
def test_a_crash_before_any_file_is_replaced_leaves_the_old_feed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    first = cards()
    publish(tmp_path, "acme", first, NOW)
    moved = next_versions(first, [decision(estimate=estimate(shrunk=0.08))], NOW, RUN)
    calls = {"n": 0}
    whole = snapshots.write_atomically

    def dies(path: Path, content: bytes) -> None:
        calls["n"] += 1
        if calls["n"] == step:
            raise KeyboardInterrupt
        whole(path, content)

    monkeypatch.setattr(snapshots, "write_atomically", dies)
    with pytest.raises(KeyboardInterrupt):
        publish(tmp_path, "acme", first + moved, NOW)
    assert list(read(tmp_path, "acme", NOW).cards) == first
    monkeypatch.undo()
    done = publish(tmp_path, "acme", first + moved, NOW)
    assert list(done.cards) == moved
    assert [c["version"] for c in changes_after(tmp_path, "acme", 0)] == [1, 2]


def _publish_for_ever(memory: str) -> None:
    known = cards()
    for i in range(10_000):
        known += next_versions(known, [decision(estimate=estimate(shrunk=0.05 + (i % 50) / 1000))], NOW, RUN)
        publish(Path(memory), "acme", known[-1:], NOW)


def test_killed_at_any_instant_the_memory_stays_whole(tmp_path: Path) -> None:
    """Ten kills at odd instants: every read between and after is a whole feed and feed_seq never falls."""
    highest = 0
    for kill in range(10):
        writer = multiprocessing.get_context("fork").Process(target=_publish_for_ever, args=(str(tmp_path),))
        writer.start()
        alive_until, started = time.monotonic() + 20, None
        # Each writer publishes at least once, then dies a little later than the one before it.
        while started is None or time.monotonic() < started + 0.003 * kill:
            assert time.monotonic() < alive_until, "the writer never published"
            feed = read(tmp_path, "acme", NOW)
            if feed.reason == "nothing was published yet":
                assert highest == 0
                continue
            assert feed.reason is None
            assert len(feed.cards) == 1
            assert feed.feed_seq >= highest
            started = started or (time.monotonic() if feed.feed_seq > highest else None)
            highest = feed.feed_seq if started else highest
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        assert read(tmp_path, "acme", NOW).reason is None
        highest = read(tmp_path, "acme", NOW).feed_seq
    assert highest >= 10
    publish(tmp_path, "acme", cards(), NOW)
    history = [c["feed_seq"] for c in changes_after(tmp_path, "acme", 0)]
    assert history == sorted(history)


def test_old_snapshots_go_and_their_history_is_called_gone(tmp_path: Path) -> None:
    first = cards()
    publish(tmp_path, "acme", first, NOW)
    moved = next_versions(first, [decision(estimate=estimate(shrunk=0.08))], NOW, RUN)
    later = NOW + timedelta(days=100)
    publish(tmp_path, "acme", first + moved, later)
    assert prune(tmp_path, "acme", later) == ["feed-1.json"]
    assert read(tmp_path, "acme", later).reason is None
    assert [c["version"] for c in changes_after(tmp_path, "acme", 1)] == [2]
    with pytest.raises(ChangesGone, match="read the whole snapshot"):
        changes_after(tmp_path, "acme", 0)


def test_the_snapshot_is_plain_json_that_names_its_brand(tmp_path: Path) -> None:
    publish(tmp_path, "acme", cards(), NOW)
    snapshot = json.loads((tmp_path / "acme" / "feed-1.json").read_text())
    assert (snapshot["spec"], snapshot["brand"], snapshot["feed_seq"]) == ("feed/1", "acme", 1)


def test_a_run_as_of_an_earlier_day_does_not_move_the_feed_back(tmp_path: Path) -> None:
    first = cards()
    moved = next_versions(first, [decision(estimate=estimate(shrunk=0.08))], NOW, RUN)
    publish(tmp_path, "acme", first + moved, NOW)
    before = files(tmp_path)
    earlier = NOW - timedelta(days=30)
    assert next_versions(first + moved, [decision(estimate=estimate(shrunk=0.03))], earlier, RUN) == []
    publish(tmp_path, "acme", first, earlier)
    assert files(tmp_path) == before
