"""Bytes to text: compression, encodings, and the repair of texts that were decoded wrongly before they reached us."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass

from dagster_project.sources.contract import Unreadable

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True)
class Decoded:
    """A file's text with `\\n` line ends, and how it was obtained."""

    text: str
    encoding: str
    notices: tuple[str, ...] = ()


def unpacked(data: bytes, name: str) -> bytes:
    """The bytes inside a .gz file, or the bytes as they are. Raises Unreadable for a damaged archive."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(
            "encoding_unknown", f"the compressed file is damaged ({error}); export or copy {name} again"
        ) from None


def decoded(data: bytes) -> Decoded:
    """Text of a delivered file: a byte-order mark decides, then UTF-16 by its zeros, then strict UTF-8, else
    Windows-1252.

    Raises Unreadable (`encoding_unknown`) for bytes that are no text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _plain(_strict(data, encoding), encoding.removesuffix("-sig"))
    head = data[:4096]
    if head[1::2].count(0) > len(head) // 3:
        return _plain(_strict(data, "utf-16-le"), "utf-16")
    if head[0::2].count(0) > len(head) // 3:
        return _plain(_strict(data, "utf-16-be"), "utf-16")
    if b"\x00" in head or sum(byte < 9 for byte in head) > len(head) // 50:
        raise Unreadable(
            "encoding_unknown", "the bytes are no text in any encoding; deliver csv, tsv, xlsx, parquet, json or jsonl"
        )
    try:
        return _plain(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as error:
        place = data.count(b"\n", 0, error.start) + 1
    notice = (
        f"encoding_guessed: line {place} is not UTF-8, so the file was read as Windows-1252;"
        " check names with accents, or export it as UTF-8"
    )
    text = _strict(data, "cp1252")
    return Decoded(_lines(text), "cp1252", (notice,))


def repaired(text: str) -> str | None:
    """The text one round of wrong decoding earlier (`dÃ©pensÃ©` to `dépensé`); None if it was not damaged that way."""
    try:
        better = text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return None
    return None if better == text else better


def _strict(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unreadable(
            "encoding_unknown",
            f"it looks like {encoding} but byte {error.start} does not fit; export the file as UTF-8",
        ) from None


def _plain(text: str, encoding: str) -> Decoded:
    return Decoded(_lines(text), encoding)


def _lines(text: str) -> str:
    text = text.removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
