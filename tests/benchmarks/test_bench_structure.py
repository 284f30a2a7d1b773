"""The figures about the shape of the code, on made-up source trees whose figures are known."""

from __future__ import annotations

import ast
from pathlib import Path
from textwrap import dedent

import pytest

from benchmarks.structure import lines, modules, reading, sql_text


def tree(folder: Path, files: dict[str, str]) -> dict[str, modules.Module]:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    return modules.modules_of(folder)


def test_imports_inside_functions_and_relative_ones_count(tmp_path):
    made = tree(tmp_path, {
        "models/__init__.py": "",
        "models/mmm/__init__.py": "from models.mmm.a import f",
        "models/mmm/a.py": "def f():\n    from models.mmm import b",
        "models/mmm/b.py": "from .a import f\nfrom . import missing",
    })  # fmt: skip  # one line per file of the made-up tree
    graph = modules.import_graph(made)
    assert graph["models.mmm.a"] == {"models.mmm.b"}
    assert graph["models.mmm.b"] == {"models.mmm.a", "models.mmm"}
    assert modules.circles(graph) == [{"models.mmm.a", "models.mmm.b", "models.mmm"}]


def test_two_packages_that_need_each_other_are_a_circle_of_siblings_though_no_file_is(tmp_path):
    made = tree(tmp_path, {
        "models/one/a.py": "import models.two.c",
        "models/one/b.py": "",
        "models/two/c.py": "",
        "models/two/d.py": "import models.one.b",
    })  # fmt: skip  # one line per file of the made-up tree
    graph = modules.import_graph(made)
    assert modules.circles(graph) == []
    (tmp_path / "models/__init__.py").write_text("")
    assert modules.sibling_circles(modules.modules_of(tmp_path), graph) == {"models": [{"one", "two"}]}


def test_a_reader_follows_a_fit_to_its_draws_and_no_further(tmp_path):
    made = tree(tmp_path, {
        "models/mmm/__init__.py": "from models.mmm.fitting import fit",
        "models/mmm/fitting.py": """
            from models.mmm import data as panel, early, sampling, checks, unused
            def fit(data: unused.Data):
                if early.asked(data):
                    return early.fit(data)
                design = panel.design(data)
                draws = sampling.sample(design)
                return checks.check(draws)
            """,
        "models/mmm/data.py": "from models.mmm.scales import scale\ndef design(data): return scale(data)",
        "models/mmm/scales.py": "def scale(data): return data",
        "models/mmm/early.py": "import nutpie\ndef asked(data): ...\ndef fit(data): return nutpie.sample(data)",
        "models/mmm/sampling.py": "def sample(design):\n    import nutpie\n    return nutpie.sample(design)",
        "models/mmm/checks.py": "def check(draws): ...",
        "models/mmm/unused.py": "class Data: ...",
    })  # fmt: skip  # one line per file of the made-up tree
    opened = reading.Reader(made).files()
    assert opened == {f"models.mmm.{name}" for name in ("fitting", "data", "scales", "early", "sampling")}


@pytest.mark.parametrize(
    ("code", "count"),
    [
        pytest.param('con.execute("select a from b")', 1, id="a query"),
        pytest.param('con.sql("from marts.spend")', 1, id="a query that begins with from"),
        pytest.param('con.execute(f"create table if not exists raw.{t} ({columns})")', 1, id="fields of an f-string"),
        pytest.param('con.execute("select a"\n f" from {t}"\n " where b")', 3, id="over three lines"),
        pytest.param('q = "select a from b where " + condition', 1, id="a sum"),
        pytest.param('"""select a from b"""', 0, id="documentation"),
        pytest.param('print("from the first day on")', 0, id="English"),
        pytest.param('print("select a channel first")', 0, id="more English"),
        pytest.param('x = "from above"', 0, id="English that DuckDB would accept"),
    ],
)
def test_sql_is_what_the_parser_accepts(code, count):
    assert len(sql_text.sql_lines(ast.parse(code))) == count


def test_code_lines_leave_out_blanks_comments_and_documentation():
    text = '"""Module."""\n\n# why\ndef f():\n    """What."""\n    return """a\n    b"""  # so\n'
    assert lines.code_lines(text, ast.parse(text)) == 3
    assert lines.statements(ast.parse(text)) == 2


def test_meaningless_names_count_once_per_function():
    text = "def f(kept):\n    found = 1\n    found = 2\n    def g():\n        asked = 3\nfound = 4\n"
    assert lines.empty_names(ast.parse(text)) == 3


def test_only_comments_count_as_skips_of_the_formatter():
    assert lines.fmt_skips('x = 1  # fmt: skip\ny = "# fmt: skip"\n') == 1
