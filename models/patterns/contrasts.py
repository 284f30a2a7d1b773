"""The effect of a feature within briefs, where story, offer, image and week are the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

FEW_BRIEFS = 20


def arm_noise(y: np.ndarray, s2: np.ndarray, cell: np.ndarray) -> float:
    """tau: standard deviation between arms of one cell beyond sampling error, on the scale of y.

    Method of moments; 0 when sampling error explains all of it. `y, s2, cell` have shape (arms,).
    """
    size = np.bincount(cell)
    within = np.sum((y - _cell_mean(y, np.ones_like(y), cell)) ** 2)
    sampling = np.sum(s2 * (1 - 1 / size[cell]))
    freedom = len(y) - np.count_nonzero(size)
    return float(np.sqrt(max(0.0, (within - sampling) / freedom))) if freedom > 0 else 0.0


def _cell_mean(values: np.ndarray, weight: np.ndarray, cell: np.ndarray) -> np.ndarray:
    total = np.bincount(cell, weight)
    if values.ndim == 1:
        return (np.bincount(cell, weight * values) / np.where(total > 0, total, 1.0))[cell]
    sums = _per_cell(weight[:, None] * values, cell)
    return (sums / np.where(total > 0, total, 1.0)[:, None])[cell]


@dataclass(frozen=True)
class Demeaned:
    """Arms after the cell's precision-weighted mean is taken out: y (arms,), x (arms, features), w (arms,).

    `rivals`: columns of x whose features exclude each other, a list per dimension.
    """

    y: np.ndarray
    x: np.ndarray
    w: np.ndarray
    cell: np.ndarray
    rivals: tuple[tuple[int, ...], ...] = ()

    def sums(self) -> tuple[np.ndarray, np.ndarray]:
        """Per cell and feature: sum w x y and sum w x^2, shape (cells, features); their ratio is the cell's effect.

        A feature with rivals is compared with pieces that have none of them (the usual value), not with a mixture of
        all others: a good value must not look good because another one is bad. Source: Frisch-Waugh-Lovell.
        """
        weighted = self.w[:, None] * self.x
        den = _per_cell(weighted * self.x, self.cell)
        weighted *= self.y[:, None]
        num = _per_cell(weighted, self.cell)
        for columns in self.rivals:
            x = self.x[:, columns]
            root = np.sqrt(self.w)[:, None]
            gram = (x * root).T @ (x * root)
            if np.linalg.matrix_rank(gram, hermitian=True) < len(columns):
                continue  # the usual value never occurs: these features can only be compared with each other
            inverse = np.linalg.inv(gram)
            effects = inverse @ (x.T @ (self.w * self.y))
            rest = self.y - x @ effects
            for place, column in enumerate(columns):
                alone = x @ (inverse[:, place] / inverse[place, place])
                varies = den[:, column] > 1e-9
                own = _per_cell(self.w * alone**2, self.cell)
                num[:, column] = np.where(varies, effects[place] * own + _per_cell(self.w * alone * rest, self.cell), 0)
                den[:, column] = np.where(varies, own, 0)
        return num, den


def _per_cell(values: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Sums over the arms of each cell, shape (cells,) or (cells, columns); arms stand cell by cell, from 0 on."""
    if values.ndim == 1 or not len(cell):
        return np.bincount(cell, values) if values.ndim == 1 else np.zeros((0, values.shape[1]))
    return np.add.reduceat(values, np.flatnonzero(np.diff(cell, prepend=-1)), axis=0)


def demean(
    y: np.ndarray,
    s2: np.ndarray,
    x: np.ndarray,
    cell: np.ndarray,
    tau: float,
    rivals: tuple[tuple[int, ...], ...] = (),
) -> Demeaned:
    """Remove what all arms of a cell share (the story, the week); weights are 1 / (s2 + tau^2)."""
    w = 1 / (s2 + tau**2)
    return Demeaned(y - _cell_mean(y, w, cell), x - _cell_mean(x, w, cell), w, cell, rivals)


def cell_contrasts(arms: pl.DataFrame, features: list[str], dm: Demeaned) -> pl.DataFrame:
    """Per feature and cell in which it varies: what any later estimate over a part of the tests needs.

    Columns: feature, brief, channel, week (first week of the cell), num = sum w x y, den = sum w x^2,
    contents = arms in the cell. The estimate over any set of rows is sum(num) / sum(den).
    """
    num, den = dm.sums()
    cells = arms.group_by("cell").agg(
        pl.col("brief").first(), pl.col("channel").first(), pl.col("week").min(), pl.len().alias("contents")
    )
    cells = cells.sort("cell").drop("cell")
    # Weighted means of a constant column leave rounding errors of 1e-30, so `den` must be visibly positive.
    at_cell, at_feature = np.nonzero(den > 1e-9)
    return cells[at_cell].with_columns(
        feature=pl.Series([features[j] for j in at_feature], dtype=pl.String),
        num=pl.Series(num[at_cell, at_feature], dtype=pl.Float64),
        den=pl.Series(den[at_cell, at_feature], dtype=pl.Float64),
    )


@dataclass(frozen=True)
class RawEffect:
    """An unshrunk effect: never the size to quote, because the largest of many estimates is large partly by chance."""

    b: float
    se: float
    n_contrasts: int
    n_contents: int
    n_eff: float


@dataclass(frozen=True)
class Cells:
    """Cell contrasts of one feature as arrays, for the many subsets that the weekly rules need."""

    brief: np.ndarray
    channel: np.ndarray
    week: np.ndarray
    num: np.ndarray
    den: np.ndarray
    contents: np.ndarray

    @classmethod
    def of(cls, contrasts: pl.DataFrame) -> Cells:
        """From rows of `cell_contrasts` that belong to one feature; briefs become whole numbers."""
        brief = contrasts["brief"].rank("dense").cast(pl.Int64).to_numpy() - 1
        names = ("channel", "week", "num", "den", "contents")
        return cls(brief, *(contrasts[name].to_numpy() for name in names))

    def where(self, chosen: np.ndarray) -> Cells:
        """The cells for which `chosen` is true."""
        return Cells(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def raw_effect(cells: Cells) -> RawEffect | None:
    """Effect over the given cells of one feature, with a standard error robust to briefs.

    None with fewer than two briefs, because one brief has no spread to estimate the error from.
    """
    if not len(cells.brief):
        return None
    present = np.bincount(cells.brief) > 0
    num, den = (np.bincount(cells.brief, values)[present] for values in (cells.num, cells.den))
    n, total = len(num), float(den.sum())
    if n < 2:
        return None
    b = float(num.sum()) / total
    variance = n / (n - 1) * float(np.sum((num - b * den) ** 2)) / total**2
    if n < FEW_BRIEFS:
        # Robust errors of a handful of clusters are often far too small; the weights' own error is the floor.
        variance = max(variance, 1 / total)
    se = float(np.sqrt(max(variance, 1e-12)))
    return RawEffect(b, se, n, int(cells.contents.sum()), float(total**2 / np.sum(den**2)))


def raw_effects(dm: Demeaned) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All features at once, one cell = one cluster: (b, se, cells in which the feature varies). For placebo draws."""
    num, den = dm.sums()
    count = (den > 1e-9).sum(axis=0)
    total = np.where(den.sum(axis=0) > 0, den.sum(axis=0), np.nan)
    b = num.sum(axis=0) / total
    with np.errstate(invalid="ignore", divide="ignore"):
        se = np.sqrt(count / (count - 1) * ((num - b * den) ** 2).sum(axis=0)) / total
    return b, se, count


def joint_effects(dm: Demeaned, columns: list[int], groups: list[str] | None = None) -> np.ndarray:
    """Effects of several features estimated jointly (weighted least squares on demeaned arms).

    NaN for features that cannot be separated from others (their columns are linearly dependent), except for the values
    of one `group` (one per column): where a piece has exactly one of them, "this one" and "not the others" are the same
    statement, and the effect is against the group's mean. Source: minimum-norm least squares.
    """
    root = np.sqrt(dm.w)[:, None]
    design = dm.x[:, columns] * root
    scale = np.linalg.norm(design, axis=0)
    design = design / np.where(scale > 0, scale, 1.0)
    size, vectors = np.linalg.eigh(design.T @ design)
    solid = size > 1e-10 * size.max(initial=0.0)
    target = vectors.T @ (design.T @ (dm.y * root[:, 0]))
    effects = (vectors[:, solid] @ (target[solid] / size[solid])) / np.where(scale > 0, scale, 1.0)
    missing = vectors[:, ~solid]
    tangled = np.abs(missing @ missing.T) > 1e-6  # which columns stand in for which
    names = np.array(groups if groups is not None else [str(i) for i in range(len(columns))])
    for i in np.flatnonzero(tangled.any(axis=1)):
        if len(set(names[tangled[i]])) > 1 or groups is None:
            effects[i] = np.nan
    return effects
