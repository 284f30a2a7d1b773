"""The comparison of two finished workspaces: what it calls equal, what it finds, and what it leaves out."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from benchmarks.run.compare import NothingPublished, compare, main, published
from benchmarks.run.run_specific import without_run

RUN = {"a": "run_20261012_f450ddc8bf", "b": "run_20261012_0123456789"}


def workspace(
    folder: Path,
    *,
    run: str = "a",
    roas: tuple[float, ...] = (1.5, 2.0),
    message: str = "Ranges are wide",
    value: str = "7830577.10",
    statements: tuple[str, ...] = (),
) -> Path:
    """A made-up finished workspace with an estimate per channel, a warning, a card and a report's figures."""
    (folder / "warehouse").mkdir(parents=True)
    name = f"published-{RUN[run]}.duckdb"
    (folder / "warehouse/CURRENT").write_text(name, encoding="utf-8")
    card = json.dumps({"content_sha256": run.ljust(64, "0"), "evidence": {"run_id": RUN[run]}})
    with duckdb.connect(str(folder / "warehouse" / name)) as con:
        for schema in ("marts", "measurement", "feedback", "ops"):
            con.execute(f"create schema {schema}")
        con.execute("create table ops.current_run as select ? as run_id", [RUN[run]])
        con.execute("create table marts.spend as select 'tv' as channel, 1.00 as eur union all select 'tv', 1")
        con.execute("create table measurement.estimate (run_id varchar, channel varchar, period varchar, iroas double)")
        for i, estimate in enumerate(roas):
            con.execute("insert into measurement.estimate values (?, ?, 'window', ?)", [RUN[run], f"c{i}", estimate])
        con.execute("create table measurement.warning as select ? as run_id, 'wide' as code", [RUN[run]])
        con.execute("alter table measurement.warning add column message varchar")
        con.execute("update measurement.warning set message = ?", [message])
        con.execute("create table feedback.pattern_card as select ?::json as card", [card])
        for statement in statements:
            con.execute(statement)
    (folder / "reports").mkdir()
    figures = {
        "facts": [{"id": "run.id", "source": "ops.current_run", "text": RUN[run]}],
        "figures": [{"id": "outcome.total", "value": value, "basis": message}],
    }
    (folder / "reports/q3.figures.json").write_text(json.dumps(figures), encoding="utf-8")
    return folder


def differing(a: Path, b: Path) -> dict[str, list[str]]:
    return {d.name: list(d.sentences()) for d in compare(a, b).differing()}


def test_two_runs_over_the_same_data_are_equal(tmp_path, capsys):
    a, b = workspace(tmp_path / "a"), workspace(tmp_path / "b", run="b", roas=(1.5, 2.0))
    assert differing(a, b) == {}
    assert main([str(a), str(b)]) == 0
    assert "6 of 6 equal" in capsys.readouterr().out


def test_the_order_of_rows_does_not_matter_but_their_number_does(tmp_path):
    a = workspace(tmp_path / "a")
    backwards = ("create or replace table marts.spend as from marts.spend order by 1 desc",)
    once = ("create or replace table marts.spend as select distinct * from marts.spend",)
    assert differing(a, workspace(tmp_path / "b", statements=backwards)) == {}
    sentences = differing(a, workspace(tmp_path / "c", statements=once))["marts.spend"]
    assert sentences[0] == "1 rows only in A, 0 rows only in B"


def test_the_last_bit_of_a_figure_is_a_difference(tmp_path):
    a, b = workspace(tmp_path / "a", roas=(0.3, 2.0)), workspace(tmp_path / "b", roas=(0.1 + 0.2, 2.0))
    counts, cells = differing(a, b)["measurement.estimate"]
    assert counts == "1 rows only in A, 1 rows only in B"
    assert cells == "channel=c0, period=window: iroas: 0.3 | 0.30000000000000004"


def test_nan_equals_nan(tmp_path):
    nan = float("nan")
    assert differing(workspace(tmp_path / "a", roas=(nan,)), workspace(tmp_path / "b", roas=(nan,))) == {}


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        pytest.param("create table marts.more as select 1 as x", "table only in B (1 rows)", id="a table more"),
        pytest.param("alter table marts.spend add column usd int", "columns only in B: usd", id="a column more"),
    ],
)
def test_a_table_or_a_column_more_is_a_difference(tmp_path, statement, sentence):
    a, b = workspace(tmp_path / "a"), workspace(tmp_path / "b", statements=(statement,))
    assert [sentence] in differing(a, b).values()


def test_other_words_for_the_same_figures_can_be_told_apart(tmp_path, capsys):
    a, b = workspace(tmp_path / "a"), workspace(tmp_path / "b", message="The ranges are wide")
    assert set(differing(a, b)) == {"measurement.warning", "reports/q3.figures.json"}
    assert main([str(a), str(b)]) == 1
    assert main([str(a), str(b), "--ignore-wording"]) == 0
    c = workspace(tmp_path / "c", message="The ranges are wide", value="7830577.11")
    assert main([str(a), str(c), "--ignore-wording"]) == 1
    assert "outcome.total value: '7830577.10' | '7830577.11'" in capsys.readouterr().out


def test_rows_of_an_earlier_run_are_left_out(tmp_path):
    earlier = "insert into measurement.estimate values ('run_20250101_aaaaaaaaaa', 'c0', 'window', 9)"
    assert differing(workspace(tmp_path / "a"), workspace(tmp_path / "b", statements=(earlier,))) == {}


def test_a_workspace_that_never_finished_is_said_to_be_so(tmp_path, capsys):
    a = workspace(tmp_path / "a")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingPublished, match="no published snapshot"):
        published(tmp_path / "empty")
    assert main([str(a), str(tmp_path / "empty")]) == 2


def test_only_run_ids_and_code_versions_are_replaced_in_texts():
    assert without_run(f"{RUN['a']} by 0.1.0+src.981af6725e8c on 2026-10-12") == "run_* by code_* on 2026-10-12"
