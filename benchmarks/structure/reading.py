"""Which files a reader opens to follow `models.mmm.fit` from data to draws.

Rule: from `fit`, every function, class or constant of the project that a body names is followed into the file that
defines it, again and again. In each function on the way to the sampler (a function that calls `nutpie.sample`), the
statements after the one that reaches the sampler are left out: they look at draws. Annotations do not count. Methods
are counted with their class where the class is named; what is called on an object whose class a body does not name
is not seen, so the figure is a lower bound.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from benchmarks.structure.modules import Module, imported_names

ENTRY = ("models.mmm", "fit")
SAMPLER = "nutpie.sample("

Symbol = tuple[str, str]  # module, name of a function, class or constant at its top level


@dataclass
class Reader:
    """Follows names from definition to definition through the modules of one source tree."""

    modules: Mapping[str, Module]
    _closures: dict[Symbol, frozenset[Symbol]] = field(default_factory=dict)
    _tops: dict[str, dict[str, ast.stmt]] = field(default_factory=dict)
    _imports: dict[str, dict[str, tuple[str, str | None]]] = field(default_factory=dict)

    def files(self) -> set[str]:
        """The modules that are opened on the way from data to draws."""
        start = self.defined(*ENTRY)
        if start is None:
            raise LookupError(f"{'.'.join(ENTRY)} is not defined in this source tree")
        visited: set[Symbol] = set()
        self._towards(start, visited)
        return {module for module, _ in visited}

    def defined(self, module: str, name: str) -> Symbol | None:
        """Where a name that `module` offers is defined, through any number of re-exports."""
        for _ in range(10):
            if module not in self.modules:
                return None
            if name in self._definitions(module):
                return module, name
            base, attribute = self._names(module).get(name, ("", None))
            if attribute is None:
                return None
            module, name = base, attribute
        return None

    def _towards(self, symbol: Symbol, visited: set[Symbol]) -> None:
        """Visit `symbol` up to the statement that reaches the sampler, and all that is needed until there."""
        if symbol in visited:
            return
        visited.add(symbol)
        node = self._definitions(symbol[0])[symbol[1]]
        body = node.body if isinstance(node, ast.FunctionDef) else [node]
        if self._samples(symbol):
            return
        for statement in body:
            named = sorted(self._named(symbol[0], statement))
            leading = [s for s in named if self._reaches_sampler(s)]
            for other in named:
                if other not in leading:
                    visited |= self._closure(other)
            for other in leading:
                self._towards(other, visited)
            if leading and isinstance(node, ast.FunctionDef) and not self._leaves_early(statement):
                return

    def _leaves_early(self, statement: ast.stmt) -> bool:
        """Is this a special case (`if ...: return`) after which the usual way goes on?"""
        return isinstance(statement, ast.If) and not statement.orelse

    def _samples(self, symbol: Symbol) -> bool:
        node = self._definitions(symbol[0])[symbol[1]]
        return isinstance(node, ast.FunctionDef) and SAMPLER in ast.unparse(node)

    def _reaches_sampler(self, symbol: Symbol) -> bool:
        return any(self._samples(other) for other in self._closure(symbol))

    def _closure(self, symbol: Symbol) -> frozenset[Symbol]:
        """`symbol` and everything that it names, directly or not."""
        if symbol not in self._closures:
            visited, waiting = {symbol}, [symbol]
            while waiting:
                module, name = waiting.pop()
                for other in self._named(module, self._definitions(module)[name]) - visited:
                    visited.add(other)
                    waiting.append(other)
            self._closures[symbol] = frozenset(visited)
        return self._closures[symbol]

    def _named(self, module: str, node: ast.AST) -> set[Symbol]:
        """The project's definitions that a piece of code of `module` names, annotations aside."""
        symbols = set()
        for chain in _chains(node):
            symbol = self._resolve(module, chain)
            if symbol is not None:
                symbols.add(symbol)
        return symbols

    def _resolve(self, module: str, chain: tuple[str, ...]) -> Symbol | None:
        head, *rest = chain
        if head in self._definitions(module):
            return module, head
        if head not in self._names(module):
            return None
        base, attribute = self._names(module)[head]
        if attribute is not None and f"{base}.{attribute}" not in self.modules:
            return self.defined(base, attribute)
        # `import a.b.c` binds `a`; `from a import b` may bind a module: the rest of the chain leads to the definition.
        place = f"{base}.{attribute}" if attribute else base
        if attribute is None and head == base.split(".")[0] and "." in base:
            place, rest = base, list(chain[len(base.split(".")) :])
        return self.defined(place, rest[0]) if rest else None

    def _definitions(self, module: str) -> dict[str, ast.stmt]:
        if module not in self._tops:
            self._tops[module] = dict(_top_level(self.modules[module].tree))
        return self._tops[module]

    def _names(self, module: str) -> dict[str, tuple[str, str | None]]:
        if module not in self._imports:
            self._imports[module] = {name: (base, of) for name, base, of in imported_names(self.modules[module])}
        return self._imports[module]


def _top_level(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name, node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for name in ast.walk(target):
                    if isinstance(name, ast.Name):
                        yield name.id, node


def _chains(node: ast.AST) -> Iterator[tuple[str, ...]]:
    """Each name that is read, with the attributes behind it: `nuts.sample(x)` gives (nuts, sample) and (x,)."""
    if isinstance(node, ast.Attribute):
        parts: list[str] = []
        inner: ast.AST = node
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            yield (inner.id, *reversed(parts))
        else:
            yield from _chains(inner)
        return
    if isinstance(node, ast.Name):
        yield (node.id,)
        return
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _chains(child)
