"""What holds the tree together: no exported name shadows a module, and every path named in prose exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("models", "feedback", "dagster_project")
PACKAGES = sorted(init.parent for root in PRODUCT for init in (ROOT / root).rglob("__init__.py"))

# A path written in prose: starts in one of the repository's folders and is not the tail of a longer path or an address.
NAMED_PATH = re.compile(
    r"(?<![\w/.{<:-])(?:models|feedback|dagster_project|dbt|docs|benchmarks|tests|\.ci)/[\w./*-]*[\w*/]"
)
NAMED_FILE = re.compile(r"(?<![\w/.*<-])[a-z_0-9]+\.py\b")
DOTTED = re.compile(r"(?<![\w/.])(?:models|feedback|dagster_project)(?:\.[A-Za-z_]\w*)+")
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
# Folders that a build makes and git ignores.
DERIVED = ("dbt/target",)


def names_bound(init: Path) -> Iterator[tuple[str, str]]:
    """(name, where it comes from) of everything that a package's `__init__.py` binds at its top level."""
    for node in ast.parse(init.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, node.module or "") for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, "here"
        elif isinstance(node, ast.Assign):
            yield from ((target.id, "here") for target in node.targets if isinstance(target, ast.Name))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda folder: folder.relative_to(ROOT).as_posix())
def test_no_package_attribute_shadows_a_module(package: Path) -> None:
    """`import models.patterns.learning as m` must give the module, whatever the package exports."""
    modules = {path.stem for path in package.glob("*.py")} | {
        path.parent.name for path in package.glob("*/__init__.py")
    }
    own_name = package.relative_to(ROOT).as_posix().replace("/", ".")
    shadowed = {name for name, origin in names_bound(package / "__init__.py") if origin != own_name} & modules
    assert not shadowed, f"{own_name} exports {', '.join(sorted(shadowed))}, the name of one of its modules"


@cache
def prose() -> list[tuple[str, str]]:
    """(file, text) of every page, and of the docstrings and comments of every Python and SQL file."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    texts = [(page, page.read_text(encoding="utf-8")) for page in pages]
    for folder in (*PRODUCT, "benchmarks", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            texts.append((path, words_of(path.read_text(encoding="utf-8"))))
    for path in sorted((ROOT / "dbt" / "models").rglob("*.sql")):
        lines = path.read_text(encoding="utf-8").splitlines()
        texts.append((path, "\n".join(line.split("--", 1)[1] for line in lines if "--" in line)))
    return [(path.relative_to(ROOT).as_posix(), text) for path, text in texts]


def words_of(source: str) -> str:
    """Docstrings and comment lines of a Python file."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef
    docstrings = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]
    comments = [line.split("# ", 1)[1] for line in source.splitlines() if "# " in line]
    return "\n".join(docstrings + comments)


def exists(named: str) -> bool:
    """Whether the repository has a file or folder of this name; `*` stands for any part of it."""
    path = named.rstrip("/.")
    return path.startswith(DERIVED) or (ROOT / path).exists() or ("*" in path and any(ROOT.glob(path)))


def test_every_path_named_in_pages_and_docstrings_exists() -> None:
    missing = [f"{file}: {named}" for file, text in prose() for named in NAMED_PATH.findall(text) if not exists(named)]
    assert not missing, "\n".join(missing)


def test_every_python_file_named_in_pages_and_docstrings_exists() -> None:
    files = {path.name for folder in (*PRODUCT, "benchmarks", "tests") for path in (ROOT / folder).rglob("*.py")}
    missing = [f"{file}: {named}" for file, text in prose() for named in NAMED_FILE.findall(text) if named not in files]
    assert not missing, "\n".join(missing)


def resolves(dotted: str) -> bool:
    """Whether `models.patterns.learn` names a module, or a name that the innermost module of it mentions."""
    folder, names = ROOT, dotted.split(".")
    while names and (folder / names[0]).is_dir():
        folder /= names.pop(0)
    module = folder / f"{names[0]}.py" if names else folder / "__init__.py"
    if module.exists():
        names = names[1:]
    else:
        module = folder / "__init__.py"
    return not names or re.search(rf"\b{names[0]}\b", module.read_text(encoding="utf-8")) is not None


def test_every_dotted_name_in_pages_and_docstrings_exists() -> None:
    missing = [f"{file}: {named}" for file, text in prose() for named in DOTTED.findall(text) if not resolves(named)]
    assert not missing, "\n".join(missing)


def test_every_link_between_pages_leads_somewhere() -> None:
    pages = [(file, text) for file, text in prose() if file.endswith(".md")]
    broken = [
        f"{file}: {target}"
        for file, text in pages
        for target in LINK.findall(text)
        if not ((ROOT / file).parent / target).exists()
    ]
    assert not broken, "\n".join(broken)


def test_no_two_test_files_share_a_name():
    """pytest imports test files by name: of two with one name the second is not collected."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_files_that_run_first_exist():
    from tests.conftest import LONGEST_FIRST

    names = {path.name for path in ROOT.glob("tests/**/test_*.py")}
    assert set(LONGEST_FIRST) <= names, "tests/conftest.py names a test file that is gone"
