"""What runs, when and on which day; no statistics, no SQL logic, no rendering."""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

_PACKAGES = Path(__file__).resolve().parents[1]


def _import_neighbours() -> None:
    """Import `models` and `feedback` from beside this package, whatever `sys.path` says.

    `python -m`, PYTHONPATH and Dagster's own processes put the current folder first on the path, and a folder called
    `models` is common in analytics projects. Raises ImportError where another `models` was imported already.
    """
    for name in ("models", "feedback"):
        if name not in sys.modules:
            spec = PathFinder.find_spec(name, [str(_PACKAGES)])
            if spec is None or spec.loader is None:
                raise ImportError(f"{_PACKAGES / name} is missing: install plumbline again")
            sys.modules[name] = module = module_from_spec(spec)
            spec.loader.exec_module(module)
        origin = sys.modules[name].__file__
        if origin is None or Path(origin).resolve().parent != _PACKAGES / name:
            raise ImportError(
                f"a package called {name} was imported from {origin} before plumbline's own;"
                " start plumbline in a process that does not import it"
            )


_import_neighbours()
