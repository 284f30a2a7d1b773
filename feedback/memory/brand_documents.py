"""The brand's voice and guidelines as people keep them: Markdown with typed front matter in the workspace's `brand/`.

A folder with one faulty document is refused as a whole: an agent must not write by half of the guidelines.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.error import PlumblineError

MOST_BYTES, MOST_DOCUMENTS = 64 * 1024, 200
FENCE = "---"
REFERENCE = re.compile(r"([a-z0-9][a-z0-9_-]{0,62})@([1-9][0-9]{0,5})")
Text = Field(min_length=1, max_length=400)


class BrandDocumentError(PlumblineError, ValueError):
    """A document that cannot be served; names file, line and key."""


class FrontMatter(BaseModel):
    """What a document says of itself. Days are inclusive at `valid_from` and exclusive at `valid_until`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["voice", "guideline"]
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    version: int = Field(ge=1, lt=1_000_000, strict=True)
    title: str = Text
    source: str = Text
    valid_from: date
    valid_until: date | None = None
    superseded_by: str | None = Field(default=None, pattern=REFERENCE.pattern)
    tone: tuple[str, ...] = ()
    no_gos: tuple[str, ...] = ()
    good_examples: tuple[str, ...] = ()
    bad_examples: tuple[str, ...] = ()
    claims_need_source: tuple[str, ...] = ()
    human_required: tuple[str, ...] = ()

    @model_validator(mode="after")
    def days_in_order(self) -> FrontMatter:
        """Refuses a document that is never valid."""
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            raise ValueError(f"valid_until {self.valid_until} is not after valid_from {self.valid_from}")
        return self


@dataclass(frozen=True)
class BrandDocument:
    """One version of a document; `sha256` is of the file's bytes, `text` its Markdown without the front matter."""

    file: str
    sha256: str
    front: FrontMatter
    text: str

    @property
    def name(self) -> str:
        """Id and version, as `superseded_by` writes them."""
        return f"{self.front.id}@{self.front.version}"

    def as_json(self) -> dict[str, Any]:
        """The document as readers get it."""
        return {**self.front.model_dump(mode="json"), "file": self.file, "sha256": self.sha256, "text": self.text}


def parse(file: str, content: bytes) -> BrandDocument:
    """One document. Raises BrandDocumentError naming file, line and key, what is wrong and the fix."""
    if len(content) > MOST_BYTES:
        raise BrandDocumentError(
            f"has {len(content)} bytes; agents get at most {MOST_BYTES}", file=file, fix="split it into two documents"
        )
    try:
        lines = content.decode("utf-8").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        raise BrandDocumentError("is not UTF-8", file=file, row=row, fix="save it as UTF-8") from None
    for row, line in enumerate(lines, 1):
        hidden = [c for c in line if not c.isprintable() and c != "\t"]
        if hidden:
            raise BrandDocumentError(
                f"holds the invisible character U+{ord(hidden[0]):04X}", file=file, row=row, fix="delete it"
            )
    if lines[0] != FENCE or FENCE not in lines[1:]:
        raise BrandDocumentError(
            "has no front matter", file=file, row=1, fix="begin with a line `---`, the settings, and another line `---`"
        )
    end = lines.index(FENCE, 1)
    front = _front_matter(file, "\n".join(lines[1:end]))
    return BrandDocument(file, hashlib.sha256(content).hexdigest(), front, "\n".join(lines[end + 1 :]).strip())


def _front_matter(file: str, text: str) -> FrontMatter:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        settings = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "cannot be read"
        raise BrandDocumentError(f"is not YAML: {problem}", file=file, row=mark.line + 2 if mark else 2) from None
    if not isinstance(settings, dict) or not isinstance(node, yaml.MappingNode):
        raise BrandDocumentError("the front matter is no list of `key: value`", file=file, row=2)
    rows: dict[str, int] = {}
    for key, _ in node.value:
        if key.value in rows:
            raise BrandDocumentError("is given twice", file=file, row=key.start_mark.line + 2, key=str(key.value))
        rows[key.value] = key.start_mark.line + 2
    try:
        return FrontMatter(**{str(key): value for key, value in settings.items()})
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else "valid_until"
        fix = f"keys are {', '.join(FrontMatter.model_fields)}" if first["type"] == "extra_forbidden" else None
        message = first["msg"].removeprefix("Value error, ")
        shown = "" if first["type"] == "missing" or not first["loc"] else f" (found {str(first['input'])[:60]!r})"
        raise BrandDocumentError(f"{message}{shown}", file=file, row=rows.get(key, 1), key=key, fix=fix) from None


def load(folder: Path) -> list[BrandDocument]:
    """Every version of every document in `folder`, by id and version; none where there is no folder.

    Raises BrandDocumentError for the first that is faulty, for a version that stands in two files, and for a
    `superseded_by` that names no document.
    """
    names = sorted(path.name for path in folder.glob("*.md")) if folder.is_dir() else []
    if len(names) > MOST_DOCUMENTS:
        raise BrandDocumentError(f"brand/ holds {len(names)} documents; at most {MOST_DOCUMENTS} are served")
    documents: dict[str, BrandDocument] = {}
    for name in names:
        try:
            document = parse(f"brand/{name}", (folder / name).read_bytes())
        except OSError as error:
            raise BrandDocumentError(f"cannot be read: {error.strerror}", file=f"brand/{name}") from None
        twin = documents.get(document.name)
        if twin is not None:
            raise BrandDocumentError(
                f"{document.name} stands in {twin.file} as well",
                file=document.file,
                key="version",
                fix="raise the version",
            )
        documents[document.name] = document
    for document in documents.values():
        if document.front.superseded_by and document.front.superseded_by not in documents:
            raise BrandDocumentError(
                f"{document.front.superseded_by} is not in brand/", file=document.file, key="superseded_by"
            )
    return sorted(documents.values(), key=lambda d: (d.front.id, d.front.version))


def in_force(documents: Sequence[BrandDocument], now: datetime) -> list[BrandDocument]:
    """The documents to write by on the day of `now` (UTC): valid, not superseded, the newest version of each id.

    A successor counts from the day on which it is valid itself; until then the document before it stays in force.
    """
    today = now.date()
    valid = [
        d
        for d in documents
        if d.front.valid_from <= today and (d.front.valid_until is None or today < d.front.valid_until)
    ]
    names = {document.name for document in valid}
    return list({d.front.id: d for d in valid if d.front.superseded_by not in names}.values())  # in order of version


class BrandFolder:
    """The documents of one folder, read again when any of its files changes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._signature: tuple[tuple[str, int, int, int], ...] | None = None
        self._documents: list[BrandDocument] = []
        self._refusal: BrandDocumentError | None = None

    def documents(self) -> list[BrandDocument]:
        """What `load` returns. Raises BrandDocumentError as it does."""
        signature = self._seen()
        if signature != self._signature:
            self._documents, self._refusal = [], None
            try:
                self._documents = load(self._folder)
            except BrandDocumentError as refusal:
                self._refusal = refusal
            self._signature = signature
        if self._refusal is not None:
            raise self._refusal
        return self._documents

    def _seen(self) -> tuple[tuple[str, int, int, int], ...]:
        try:
            entries = [(entry.name, entry.stat()) for entry in os.scandir(self._folder) if entry.name.endswith(".md")]
        except OSError:
            return ()
        return tuple(sorted((name, s.st_ino, s.st_size, s.st_ctime_ns) for name, s in entries))


def brand_body(brand: str, documents: Sequence[BrandDocument]) -> tuple[bytes, str]:
    """The answer to a reader, and the hash that names this set of documents."""
    digest = hashlib.sha256("\n".join(f"{d.name} {d.sha256}" for d in documents).encode()).hexdigest()
    body = {"brand": brand, "sha256": digest, "documents": [document.as_json() for document in documents]}
    return json.dumps(body, ensure_ascii=False).encode(), digest
