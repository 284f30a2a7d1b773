"""The Python modules of a source tree and what they import, read from their syntax without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOTS = ("dagster_project", "models", "feedback")


@dataclass(frozen=True)
class Module:
    """One file: its dotted name, its text and its syntax tree."""

    name: str
    path: Path
    text: str
    tree: ast.Module
    is_package: bool

    @property
    def package(self) -> str:
        """The package that relative imports start from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


def modules_of(source: Path, roots: Iterable[str] = ROOTS) -> dict[str, Module]:
    """Every module below `roots` of a source tree, by dotted name."""
    modules = {}
    for root in roots:
        for path in sorted((source / root).rglob("*.py")):
            parts = path.relative_to(source).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            text = path.read_text(encoding="utf-8")
            modules[name] = Module(name, path.relative_to(source), text, ast.parse(text), is_package)
    return modules


def imported_names(module: Module) -> Iterator[tuple[str, str, str | None]]:
    """(local name, module, attribute or None) of each import statement, those inside functions included."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    yield alias.asname, alias.name, None
                else:
                    yield alias.name.split(".")[0], alias.name, None
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.package.split(".")
                base = ".".join([*above[: len(above) - node.level + 1], *([base] if base else [])])
            for alias in node.names:
                yield alias.asname or alias.name, base, alias.name


def import_graph(modules: Mapping[str, Module]) -> dict[str, set[str]]:
    """Which project modules each module imports directly, by import-linter's counting.

    Imports inside functions and for type checking count; `from a import b` means module a.b where there is one and
    module a otherwise; that importing a.b also runs a's `__init__` does not count.
    """
    graph: dict[str, set[str]] = {name: set() for name in modules}
    for name, module in modules.items():
        for _, base, attribute in imported_names(module):
            target = f"{base}.{attribute}" if attribute and f"{base}.{attribute}" in modules else base
            if target in modules and target != name:
                graph[name].add(target)
    return graph


def circles(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """Strongly connected components of more than one node, the largest first."""
    order: list[str] = []
    seen: set[str] = set()
    for start in graph:
        _visit(graph, start, seen, order)
    reverse: dict[str, set[str]] = {name: set() for name in graph}
    for name, targets in graph.items():
        for target in targets:
            reverse[target].add(name)
    components: list[set[str]] = []
    seen = set()
    for start in reversed(order):
        component: list[str] = []
        _visit(reverse, start, seen, component)
        if len(component) > 1:
            components.append(set(component))
    return sorted(components, key=len, reverse=True)


def _visit(graph: Mapping[str, set[str]], start: str, seen: set[str], order: list[str]) -> None:
    """Depth first; a node is appended to `order` once all that it leads to has been."""
    if start in seen:
        return
    seen.add(start)
    stack = [(start, iter(sorted(graph[start])))]
    while stack:
        name, targets = stack[-1]
        following = next((t for t in targets if t not in seen), None)
        if following is None:
            order.append(name)
            stack.pop()
        else:
            seen.add(following)
            stack.append((following, iter(sorted(graph[following]))))


def sibling_circles(modules: Mapping[str, Module], graph: Mapping[str, set[str]]) -> dict[str, list[set[str]]]:
    """Circles between the children of each package, a child standing for all below it; only packages with circles.

    This is what import-linter's `acyclic_siblings` refuses.
    """
    result = {}
    for package in (m.name for m in modules.values() if m.is_package or _has_children(m.name, modules)):
        prefix = f"{package}."
        below: dict[str, set[str]] = {}
        for name, targets in graph.items():
            if name.startswith(prefix):
                child = name[len(prefix) :].split(".")[0]
                others = {t[len(prefix) :].split(".")[0] for t in targets if t.startswith(prefix)}
                below.setdefault(child, set()).update(others - {child})
        components = circles(below)
        if components:
            result[package] = components
    return result


def _has_children(name: str, modules: Mapping[str, Module]) -> bool:
    return any(other.startswith(f"{name}.") for other in modules)
