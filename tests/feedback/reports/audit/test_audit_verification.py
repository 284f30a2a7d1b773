"""The audit pack: every change in it is found, and its figures follow from its inputs."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from report_snapshot import changed

import feedback.reports
from feedback.reports import build
from feedback.reports.audit import inputs, report_before, verify, write
from feedback.storage import hash_chain
from feedback.storage.canonical_json import canonical

AT = datetime(2026, 10, 10, 6, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def audit(published, settings, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("built")
    folder = out / "audit"
    for period in ("2026-Q2", "2026-Q3"):
        files = build(published, out, period=period, settings=settings)
        write(files, published, folder, settings=settings, at=AT)
    return folder


@pytest.fixture
def pack(audit, tmp_path) -> Path:
    """A writable copy of the newest pack with its audit folder."""
    shutil.copytree(audit, tmp_path / "audit")
    (found,) = (tmp_path / "audit" / "2026-Q3").iterdir()
    for path in found.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return found


def test_an_untouched_pack_holds_wherever_it_lies_and_whatever_its_name(pack, tmp_path, monkeypatch):
    assert verify(pack) == []
    alone = shutil.copytree(pack, tmp_path / "mail" / pack.name)
    assert verify(alone) == []
    renamed = alone.rename(tmp_path / "mail" / "the report of autumn")
    assert verify(renamed) == []
    monkeypatch.chdir(renamed)
    assert verify(Path()) == []


def test_the_pack_is_read_only_and_named_by_its_manifest(audit):
    (found,) = (audit / "2026-Q3").iterdir()
    assert hashlib.sha256((found / "manifest.json").read_bytes()).hexdigest() == found.name
    assert all(path.stat().st_mode & 0o222 == 0 for path in found.rglob("*") if path.is_file())


def test_the_manifest_tells_no_machine_name_and_no_path(audit, published):
    text = "".join(path.read_text() for path in audit.rglob("*.json*"))
    assert str(published.parent) not in text
    assert not re.search(r'"/[a-z]+/', text)


def test_forty_flipped_bytes_are_all_found(pack):
    rng = np.random.default_rng(40)
    files = sorted(path for path in pack.rglob("*") if path.is_file())
    for _ in range(40):
        path = files[rng.integers(len(files))]
        content = bytearray(path.read_bytes())
        at = int(rng.integers(len(content)))
        content[at] ^= 1 << int(rng.integers(8))
        original = path.read_bytes()
        path.write_bytes(bytes(content))
        found = verify(pack, levels=(1,))
        assert found, f"byte {at} of {path.name}"
        path.write_bytes(original)
    assert verify(pack, levels=(1,)) == []


@pytest.mark.parametrize(
    ("damage", "where"),
    [
        pytest.param(lambda p: (p / "report.pdf").unlink(), "report.pdf", id="a file is gone"),
        pytest.param(lambda p: (p / "extra.txt").write_text("x"), "extra.txt", id="a file was added"),
        pytest.param(lambda p: (p / "ledger.jsonl").write_text(""), "ledger.jsonl", id="an empty ledger"),
        pytest.param(
            lambda p: (p.parent.parent / "ledger.jsonl").write_text("x\n"), "ledger.jsonl", id="another common ledger"
        ),
        pytest.param(
            lambda p: (p.parent.parent / "ledger.jsonl").write_text(""), "ledger.jsonl", id="an emptied common ledger"
        ),
        pytest.param(lambda p: (p.parent.parent / "ledger.jsonl").unlink(), "ledger.jsonl", id="no common ledger"),
    ],
)
def test_damage_is_named(pack, damage, where):
    damage(pack)
    assert where in {difference.where for difference in verify(pack)}


def test_a_common_ledger_cut_before_this_report_is_found(pack):
    common = pack.parent.parent / "ledger.jsonl"
    common.write_text(common.read_text().split("\n")[0] + "\n")
    assert "cut or changed" in verify(pack)[0].message


def forge(pack: Path, change) -> Path:
    """What a careful forger does: change something, then make all hashes fit again."""
    change(pack)
    manifest = json.loads((pack / "manifest.json").read_text())
    manifest["files"] = {name: inputs.file_sha256(pack / name) for name in manifest["files"]}
    (pack / "manifest.json").write_bytes(canonical(manifest))
    report_id = hashlib.sha256((pack / "manifest.json").read_bytes()).hexdigest()
    own = json.loads(hash_chain.lines_of(pack / "ledger.jsonl")[-1])
    body = {key: value for key, value in own.items() if key not in ("hash", "previous", "mac")}
    body |= {"report_id": report_id}
    (pack / "ledger.jsonl").write_text(hash_chain.line(hash_chain.GENESIS, body) + "\n")
    return pack.rename(pack.parents[2] / report_id)  # away from the ledger of the audit folder, which would tell


def test_a_forged_figure_with_fitting_hashes_is_found_by_computing_it_again(pack):
    def more(folder: Path) -> None:
        path = folder / "figures.json"
        text = path.read_text()
        stored = json.loads(text)
        (headline,) = (f for f in stored["figures"] if f["id"] == "split.channels")
        path.write_text(text.replace(headline["value"], "6354059.46"))
        manifest = json.loads((folder / "manifest.json").read_text())
        from feedback.reports.figure_store import FigureStore
        from feedback.reports.page.view import named_by

        manifest["figures_sha256"] = named_by(FigureStore.from_json(path.read_text()))
        (folder / "manifest.json").write_bytes(canonical(manifest))
        page = (folder / "report.html").read_text()
        (folder / "report.html").write_text(
            page.replace("</footer>", f"figures {manifest['figures_sha256'][:12]}</footer>")
        )
        own = json.loads(hash_chain.lines_of(folder / "ledger.jsonl")[-1])
        own["files"]["report.html"] = inputs.file_sha256(folder / "report.html")
        (folder / "ledger.jsonl").write_bytes(canonical(own) + b"\n")

    found = verify(forge(pack, more))
    assert {difference.level for difference in found} == {0, 2}, "not signed, and not what the inputs give"
    assert {difference.where for difference in found} >= {"split.channels", "report.html"}
    assert any("the report says 6354059.46" in difference.message for difference in found)


def test_an_edited_page_whose_line_in_the_ledger_was_written_anew_is_found(pack):
    def praise(folder: Path) -> None:
        page = folder / "report.html"
        page.write_text(page.read_text().replace("</footer>", "A splendid quarter.</footer>"))
        own = json.loads(hash_chain.lines_of(folder / "ledger.jsonl")[-1])
        own["files"]["report.html"] = inputs.file_sha256(page)
        (folder / "ledger.jsonl").write_bytes(canonical(own) + b"\n")

    found = verify(forge(pack, praise))
    assert {(difference.level, difference.where) for difference in found} == {(0, "ledger.jsonl"), (2, "report.html")}


def test_equal_tables_give_one_report_id_whenever_they_were_computed(audit, published, settings, tmp_path):
    later = changed(
        published, tmp_path / "later.duckdb", "update measurement.run set started_at = started_at + interval 1 day"
    )
    files = build(later, tmp_path / "out", period="2026-Q2", settings=settings)
    again = write(files, later, tmp_path / "audit", settings=settings)
    assert [again.name] == [path.name for path in (audit / "2026-Q2").iterdir()]


def test_a_new_report_of_a_period_names_the_one_it_supersedes_and_why(audit, published, settings, tmp_path):
    folder = shutil.copytree(audit, tmp_path / "audit")
    (before,) = (folder / "2026-Q3").iterdir()
    restated = changed(
        published, tmp_path / "restated.duckdb", "update measurement.run set data_sha256 = repeat('ab', 32)"
    )
    files = build(restated, tmp_path / "out", period="2026-Q3", settings=settings)
    pack = write(files, restated, folder, settings=settings)
    line = json.loads(hash_chain.lines_of(pack / "ledger.jsonl")[-1])
    assert (line["supersedes"], line["because"]) == (before.name, ["other data landed"])


def test_the_report_before_is_one_of_an_earlier_run_wherever_pages_were_rendered_since(
    audit, published, settings, tmp_path
):
    assert report_before(audit, published, period="2026-Q3", settings=settings) is None  # of the same run
    later = changed(
        published,
        tmp_path / "next.duckdb",
        "update ops.current_run set run_id = 'run-next'",
        "update measurement.run set run_id = 'run-next'",
    )
    found = report_before(audit, later, period="2026-Q3", settings=settings)
    assert found == next((audit / "2026-Q2").iterdir()) / "figures.json"


def test_writing_the_same_report_again_changes_nothing(audit, published, settings, tmp_path):
    before = (audit / "ledger.jsonl").read_text()
    files = build(published, tmp_path, period="2026-Q2", settings=settings)
    again = write(files, published, audit, settings=settings)
    assert (audit / "ledger.jsonl").read_text() == before
    assert again.parent.name == "2026-Q2"
    assert len(list(again.parent.iterdir())) == 1


def test_a_crash_between_pack_and_ledger_is_finished_by_the_next_call(audit, published, settings, tmp_path):
    copy = shutil.copytree(audit, tmp_path / "audit")
    whole = (copy / "ledger.jsonl").read_text()
    first = whole.split("\n")[0] + "\n"
    (copy / "ledger.jsonl").write_text(first + whole.split("\n")[1][:100])  # the second line was being written
    build(published, tmp_path, period="2026-Q2", settings=settings)
    files = build(published, tmp_path, period="2026-Q3", settings=settings)
    write(files, published, copy, settings=settings)
    assert (copy / "ledger.jsonl").read_text() == whole


def test_a_broken_ledger_takes_no_more_lines(audit, published, settings, tmp_path):
    copy = shutil.copytree(audit, tmp_path / "audit")
    text = (copy / "ledger.jsonl").read_text()
    (copy / "ledger.jsonl").write_text(text.replace("2026-Q2", "2026-Q1", 1))
    files = build(published, tmp_path, settings=settings)
    with pytest.raises(ValueError, match=r"ledger\.jsonl, row 1"):
        write(files, published, copy, settings=settings)


def test_every_table_that_a_report_reads_is_in_the_pack():
    folder = Path(feedback.reports.__file__).parent
    code = "\n".join(path.read_text() for path in folder.rglob("*.py"))
    read = set(re.findall(r'"((?:ops|marts|measurement)\.[a-z_]+)"', code))
    asked = set(re.findall(r"\b(?:from|join) ((?:ops|marts|measurement)\.[a-z_]+)", code))
    assert read | asked >= {"marts.channel_day", "measurement.period_draw", "measurement.next_experiment"}
    assert asked <= set(inputs.TABLES)


def test_figures_parquet_holds_the_exact_decimals(audit):
    (found,) = (audit / "2026-Q3").iterdir()
    frame = pl.read_parquet(found / "figures.parquet")
    headline = frame.filter(pl.col("figure_id") == "split.channels")
    assert str(headline["value"][0]) == "5354059.460000"
    assert frame.schema["value"] == pl.Decimal(38, 6)
