"""The base of every error that Plumbline raises on purpose: what is wrong, where, and how to fix it."""

from __future__ import annotations


class PlumblineError(Exception):
    """What is wrong, where, and what to do; `str` is the whole sentence as a user reads it.

    `problem` says what is wrong. `file` is the path relative to the workspace, `row` the line or row number in it,
    `key` the setting or column, `value` the offending value as it was written, `fix` what to do instead. Each may be
    missing; `file`, `row` and `key` are put before the problem, `fix` after it. `value` is carried for `--json` and
    belongs in `problem` where the sentence needs it.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | None = None,
        row: int | None = None,
        key: str | None = None,
        value: object = None,
        fix: str | None = None,
    ) -> None:
        where = ", ".join(part for part in (file, f"row {row}" if row is not None else None, key) if part)
        super().__init__(f"{where}: {problem}" if where else problem)
        self.problem, self.file, self.row, self.key, self.value, self.fix = problem, file, row, key, value, fix

    def __str__(self) -> str:
        sentence = super().__str__()
        return f"{sentence.rstrip('.')}; {self.fix}" if self.fix else sentence
