"""Lines of SQL in Python files, outside dbt.

Rule: a string that begins with a word that opens a statement, and that DuckDB's own parser accepts as a statement
(fields of f-strings and other operands of `+` stand for a name, a value, a column or a query). Its lines count as
they stand in the file. Documentation strings do not count, nor do fragments such as a lone `where` clause or a list of
columns.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import duckdb

FIRST_WORD = re.compile(
    r"\s*(select|with|from|insert\s+(or\s+\w+\s+)?into|create\s|update|delete\s+from|alter\s+table|drop\s|attach|detach"
    r"|copy|set\s|pragma|merge|truncate|describe|summarize)\b",
    re.IGNORECASE,
)
# What an unknown piece may stand for: a name, a value, a column, a query, nothing; the last may be of another kind.
STAND_INS = ("x", "1", "'x'", "x integer", "", "select 1")

# "from above" is English although DuckDB reads it as a query; a query names a schema, a clause or a field.
ENGLISH = re.compile(r"\s*(from|with|update|describe|copy|set)\s+\w+\s*$", re.IGNORECASE)


def sql_lines(tree: ast.Module) -> set[int]:
    """Numbers of the lines that SQL strings cover."""
    lines: set[int] = set()
    for node in _strings(tree):
        pieces = _pieces(node)
        if FIRST_WORD.match(pieces[0] or "") and is_statement(pieces):
            lines |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def is_statement(pieces: list[str | None]) -> bool:
    """Does DuckDB accept the text as SQL, with each None standing for something that only the program knows?"""
    if ENGLISH.match("".join(piece if piece is not None else "?" for piece in pieces)):
        return False
    unknown = [place for place, piece in enumerate(pieces) if piece is None]
    for others, last in ((first, other) for other in STAND_INS for first in ("x", other)):
        stand_ins = {place: last if place == unknown[-1] else others for place in unknown}
        try:
            if duckdb.extract_statements("".join(piece or stand_ins.get(i, "") for i, piece in enumerate(pieces))):
                return True
        except duckdb.Error:
            continue
        if not unknown:
            return False
    return False


def _strings(tree: ast.Module) -> Iterator[ast.expr]:
    """The outermost strings of a file and sums of strings, without documentation strings."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.expr) and _is_string(node):
            yield node
            if not isinstance(node, ast.Constant):
                continue
        waiting.extend(ast.iter_child_nodes(node))


def _is_string(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add) and _is_string(node.left)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _pieces(node: ast.expr) -> list[str | None]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_pieces(node.left), *_pieces(node.right)]
    if isinstance(node, ast.JoinedStr):
        return [str(p.value) if isinstance(p, ast.Constant) else None for p in node.values] or [""]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    return [None]
