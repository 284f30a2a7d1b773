"""Counts over the text of the source: product lines, long files, `# fmt: skip`, names that carry no meaning."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

EMPTY_NAMES = ("found", "wanted", "known", "kept", "asked")
LONG = 300
SILENT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


def code_lines(text: str, tree: ast.Module) -> int:
    """Lines that hold code: without blank lines, comments and documentation strings."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in SILENT:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - set(_docstring_lines(tree)))


def statements(tree: ast.Module) -> int:
    """Statements, documentation strings aside: a count of code that formatting does not move."""
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.stmt)]
    return sum(not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)) for n in nodes)


def dbt_lines(source: Path) -> int:
    """Lines of SQL and of macros in dbt/, without blank lines and lines that are only a comment."""
    lines = 0
    for path in (source / "dbt").rglob("*.sql"):
        if "target" not in path.relative_to(source).parts:
            stripped = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
            lines += sum(bool(line) and not line.startswith("--") for line in stripped)
    return lines


def empty_names(tree: ast.Module) -> int:
    """How many functions bind one of EMPTY_NAMES, each name counted once per function (arguments included)."""
    bound: set[tuple[int, str]] = set()
    for function in ast.walk(tree):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            bound |= {(id(function), name) for name in _bound(function) if name in EMPTY_NAMES}
    return len(bound)


def fmt_skips(text: str) -> int:
    return sum(
        "fmt: skip" in token.string
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    )


def _bound(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Names that the function itself binds; what a function inside it binds is counted there."""
    waiting: list[ast.AST] = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        waiting.extend(ast.iter_child_nodes(node))


def _docstring_lines(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)
