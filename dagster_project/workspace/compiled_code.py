"""Where machine code that numba compiled is kept between runs: never inside an installed package."""

from __future__ import annotations

import os
from pathlib import Path

from dagster_project.workspace.paths import PROJECT, Workspace

VARIABLE = "NUMBA_CACHE_DIR"


def keep_compiled_code(workspace: Workspace) -> None:
    """Point numba at a folder that this user may write to: the user's cache, else the workspace's derived files.

    Compiling costs about one CPU-minute, so all workspaces of a user share the result. In a checkout numba keeps its
    files beside the sources, as it does by default. A folder that the environment names already stays. Where neither
    folder can be written, nothing is set. Call it before anything imports numba.
    """
    if os.environ.get(VARIABLE) or (PROJECT / "pyproject.toml").is_file():
        return
    user_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    for folder in (user_cache / "plumbline" / "numba", workspace.derived / "numba"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK | os.X_OK):
            os.environ[VARIABLE] = str(folder)
            return
