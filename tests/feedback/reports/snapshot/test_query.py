"""Questions to a snapshot: what their hash names, and what the connection cannot reach."""

from __future__ import annotations

import pytest

from feedback.reports.snapshot.query import open_snapshot, query


def test_a_query_hash_names_the_query_and_its_parameters(published):
    con = open_snapshot(published)
    one, two = (
        query(con, "select $x as x", {"x": x}, needs=["ops.current_run"]).sql_sha256 for x in ("2026-Q2", "2026-Q3")
    )
    con.close()
    assert one != two


def test_the_snapshot_connection_can_reach_no_other_file(published, tmp_path):
    (tmp_path / "secret.csv").write_text("a\n1\n")
    con = open_snapshot(published)
    with pytest.raises(Exception, match="disabled"):
        con.execute("select * from read_csv($file)", {"file": str(tmp_path / "secret.csv")})
    with pytest.raises(Exception, match="read-only"):
        con.execute("create table marts.x (y int)")
    con.close()
