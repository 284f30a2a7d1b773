"""Bytes to text: compression, encodings, and the repair of texts that were decoded wrongly before they reached us."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from dagster_project.sources.contract import Unreadable

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


ALWAYS_UNPACKED = 256 << 20  # bytes up to which any archive is unpacked
LARGEST_RATIO = 200  # for archives that unpack to more; gzip itself ends near 1,000
SAMPLE = 1 << 18  # bytes from which an encoding is guessed
LEAST_LETTERS = 12  # of different words, before a guess at another script counts
_UTF_16 = ("utf_16_le", "utf_16_be")
# A few names do not distinguish Latin encodings (`Größe` reads well in each): they compete with the other scripts, and
# whichever of them wins, the file is read as Windows-1252, which spreadsheets on Western systems write.
_LATIN = ("cp1252", "cp1250", "cp1254", "mac_roman")
_OTHER_SCRIPTS = {
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "cp932": "Shift JIS (Japanese)",
    "gb18030": "GB 18030 (Chinese)",
    "big5": "Big5 (Chinese)",
    "cp949": "EUC-KR (Korean)",
}


@dataclass(frozen=True)
class Decoded:
    """A file's text with `\\n` line ends, and how it was obtained."""

    text: str
    encoding: str
    notices: tuple[str, ...] = ()


def unpacked(data: bytes, name: str) -> bytes:
    """The bytes inside a .gz file, or the bytes as they are. Raises Unreadable for a damaged archive or a bomb."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    most = max(ALWAYS_UNPACKED, LARGEST_RATIO * len(data))
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            unpacked_bytes = packed.read(most + 1)
        if len(unpacked_bytes) <= most:
            return unpacked_bytes
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(
            "encoding_unknown", f"the compressed file is damaged ({error}); export or copy {name} again"
        ) from None

    raise Unreadable(
        "encoding_unknown",
        f"the compressed file unpacks to more than {most >> 20} MB, over {LARGEST_RATIO} times its size, which no"
        f" export does; deliver {name} unpacked if it is one",
    )


def decoded(data: bytes) -> Decoded:
    """Text of a delivered file.

    A byte-order mark decides, then UTF-16 by its zero bytes, then strict UTF-8. Where none of them fits, the bytes are
    guessed to be in another script's legacy encoding if they read well in one, else in Windows-1252; a notice says so.
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
        # Scripts other than Latin have few zero bytes in UTF-16: only the cells with digits and separators.
        utf_16 = _best_guess(head, _UTF_16)
        if utf_16 is not None:
            return _plain(_strict(data, utf_16), "utf-16")
        raise Unreadable(
            "encoding_unknown", "the bytes are no text in any encoding; deliver csv, tsv, xlsx, parquet, json or jsonl"
        )
    try:
        return _plain(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    encoding = _legacy_encoding(b"\n".join(line for line in data[:SAMPLE].split(b"\n") if not line.isascii()))
    notice = (
        f"encoding_guessed: line {line} is not UTF-8, so the file was read as"
        f" {_OTHER_SCRIPTS.get(encoding, 'Windows-1252')}; check names with accents, or export it as UTF-8"
    )
    return Decoded(_lines(_strict(data, encoding)), encoding, (notice,))


def _best_guess(sample: bytes, encodings: Sequence[str]) -> str | None:
    """The encoding in which the sample looks most like written language; None where it does in none of them."""
    from charset_normalizer import from_bytes  # only undecided files need it

    best = from_bytes(sample, cp_isolation=list(encodings)).best()
    return None if best is None else best.encoding


def _legacy_encoding(sample: bytes) -> str:
    """The encoding of another script where the sample is plainly written in it, else Windows-1252."""
    guess = _best_guess(sample, (*_LATIN, *_OTHER_SCRIPTS))
    if guess and guess in _OTHER_SCRIPTS and _written_in_another_script(sample.decode(guess, "replace")):
        return guess
    return "cp1252"


def _written_in_another_script(text: str) -> bool:
    """Whether whole words are outside ASCII, and enough of them to tell: accented Latin words are mostly ASCII letters.

    Without this, the detector takes the one accent of a short file for a Japanese or Chinese sign.
    """
    letters = "".join({word for word in re.findall(r"[^\W\d_]{2,}", text) if not word.isascii()})
    return len(letters) >= LEAST_LETTERS and sum(letter.isascii() for letter in letters) * 10 <= len(letters)


def repaired(text: str) -> str | None:
    """The text one round of wrong decoding earlier (`dÃ©pensÃ©` to `dépensé`); None if it was not damaged that way."""
    try:
        redecoded = text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return None
    return None if redecoded == text else redecoded


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
