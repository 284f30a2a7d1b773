"""A fit survives storage, and a damaged file is refused by name."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest

from models.mmm import Lineage, load
from models.mmm.result import archive


def test_a_fit_survives_storage(fitted, panel_fit, tmp_path):
    for number, one in enumerate((fitted, panel_fit[0])):
        again = load(one.save(tmp_path / f"fit{number}"))
        assert again.roas().equals(one.roas())
        assert again.contributions().equals(one.contributions())
        assert again.warnings() == one.warnings()
        assert again.spec == one.spec


def test_a_foreign_file_is_not_loaded(tmp_path):
    np.savez(tmp_path / "other.npz", x=np.ones(2))
    with pytest.raises(ValueError, match="not a saved MMM fit"):
        load(tmp_path / "other.npz")


def damaged(content):
    """The content truncated at many places and with one bit flipped at many more, the same on every run."""
    rng = np.random.default_rng(0)
    for cut in (0, 1, 3, 100, len(content) // 2, len(content) - 100, len(content) - 1):
        yield content[:cut]
    places = np.concatenate([np.arange(64), len(content) - 1 - np.arange(200), rng.integers(0, len(content), 200)])
    for place in places:
        yield content[:place] + bytes([content[place] ^ (1 << int(rng.integers(8)))]) + content[place + 1 :]


def test_a_truncated_or_flipped_file_is_refused_by_name(fitted):
    for content in damaged(fitted.to_bytes()):
        with pytest.raises(archive.UnreadableFitError, match="damaged") as refused:
            archive.from_bytes(content, "fit.npz")
        assert refused.value.file == "fit.npz"


def parts(content):
    """The arrays of a saved fit and its JSON."""
    with np.load(io.BytesIO(content)) as saved:
        arrays = {name: saved[name] for name in saved.files}
    return arrays, json.loads(arrays.pop("json").tobytes())


def write_as_before_the_seal(path, arrays, plain):
    np.savez_compressed(path, json=np.frombuffer(json.dumps(plain).encode(), dtype=np.uint8), **arrays)


def test_a_file_of_the_release_before_the_seal_is_read_and_its_members_are_checked(fitted, tmp_path):
    path = tmp_path / "fit.npz"
    write_as_before_the_seal(path, *parts(fitted.to_bytes()))
    assert load(path).roas().equals(fitted.roas())
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    with pytest.raises(ValueError, match=r"fit\.npz: not a saved MMM fit, or a damaged one"):
        load(path)


def test_a_refreshed_fit_of_an_earlier_release_keeps_how_it_was_made(fitted, tmp_path):
    """Its file calls the lineage `refreshed`."""
    refitted = replace(fitted, lineage=Lineage(path="cold refit", reason="another window"))
    arrays, plain = parts(refitted.to_bytes())
    plain["refreshed"] = plain.pop("lineage")
    write_as_before_the_seal(tmp_path / "old.npz", arrays, plain)
    lineage = load(tmp_path / "old.npz").lineage
    assert (lineage.path, lineage.reason, lineage.origin) == ("cold refit", "another window", None)


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04 no zip", b"\x93NUMPY", b"\x80\x04pickle"])
def test_anything_else_is_refused_by_name(content, tmp_path):
    path = tmp_path / "fit.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"fit\.npz: not a saved MMM fit"):
        load(path)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "fit.npz")
    with pytest.raises(ValueError, match="cannot be opened"):
        load(tmp_path)
