"""Progress of a run: a live line on a terminal, one plain line per finished step elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from dagster_project.commands.terminal import out
from dagster_project.runner import Step

MARK = {"ok": "done", "blocked": "BLOCKED", "failed": "FAILED", "skipped": "skipped"}


class Progress:
    """Use as a context manager; `show` is what the runner calls."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._live = Live(console=out, refresh_per_second=8, transient=True) if out.is_terminal and not quiet else None
        self._since = time.monotonic()

    def __enter__(self) -> Progress:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def show(self, name: str, step: Step | None) -> None:
        """A step began (`step` is None) or ended."""
        if self._quiet:
            return
        if step is None:
            if self._live:
                self._live.update(Spinner("dots", Text(f"{name}  ({time.monotonic() - self._since:.0f} s so far)")))
            return
        rows = f"{step.rows:>10,} rows" if step.rows is not None else " " * 15
        line = f"{MARK[step.state]:<8}{name:<38}{rows}{step.seconds:>8.1f} s"
        if step.state in ("blocked", "failed") and step.message:
            line += f"\n        {step.message.splitlines()[0]}"
        (self._live.console if self._live else out).print(line, markup=False, highlight=False)
