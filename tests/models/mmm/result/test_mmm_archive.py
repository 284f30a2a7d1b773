"""A fit survives storage, and a damaged file is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from models.mmm import (
    load,
)


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
