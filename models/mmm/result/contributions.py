"""KPI from joint draws: the contribution of each media series and baseline line, summed over any set of cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from models.mmm.engine.parameters import CURVES
from models.mmm.model.design import Design
from models.mmm.model.response import compiled, respond
from models.mmm.result.posterior import Posterior

PART_DOUBLES = 8_000_000  # numbers held at once by `parts`
CHUNK = 4_000_000  # numbers held at once where the response is computed in numpy


def parts(draws: Posterior, numbers: int) -> Iterator[Posterior]:
    """The draws in consecutive parts, each small enough that `numbers` doubles per draw take at most 64 MB."""
    size = max(PART_DOUBLES // numbers, 1)
    for start in range(0, draws.count, size):
        yield draws.chosen(np.arange(start, min(start + size, draws.count)))


def media_sums(design: Design, draws: Posterior, media: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Incremental KPI (D, count, C) of scaled media paths (C, G, T), summed over the cells (G, T) that share a
    label.
    """
    if not compiled(design, draws.response):
        return _numpy_media_sums(design, draws, media, labels, count)
    from models.mmm.engine import log_density

    out = np.zeros((draws.count, count, len(media)))
    log_density.media_sums(
        np.ascontiguousarray(media),
        design.scales.size * design.scales.kpi,
        np.ascontiguousarray(labels, dtype=np.int64),
        count,
        design.delayed,
        design.sloped,
        CURVES[design.form.saturation],
        design.form.taps,
        np.ascontiguousarray(draws.half_life),
        np.ascontiguousarray(draws.shape),
        np.ascontiguousarray(draws.half_saturation),
        np.ascontiguousarray(draws.slope),
        np.ascontiguousarray(draws.beta_geo),
        out,
    )
    return out


def linear_sums(design: Design, draws: Posterior, labels: np.ndarray, count: int) -> tuple[tuple[str, ...], np.ndarray]:
    """KPI of the baseline's lines (D, count, lines), summed over the cells that share a label; names of the lines
    first. A mediator's line is its own contribution, without the part that media sent through it.
    """
    lines = tuple(dict.fromkeys(design.baseline.component))
    scaled = design.baseline.columns * (design.scales.size * design.scales.kpi)[None, :, None]
    width = len(scaled)
    sums = np.zeros((count, width))
    valid = labels >= 0
    for k in range(width):
        sums[:, k] = np.bincount(labels[valid], weights=scaled[k][valid], minlength=count)
    out = np.zeros((draws.count, count, len(lines)))
    for i, line in enumerate(lines):
        of = [k for k, name in enumerate(design.baseline.component) if name == line]
        out[:, :, i] = draws.linear[:, of] @ sums[:, of].T
    if draws.mediated is None:
        return lines, out
    return _with_mediators_own_lines(design, draws, labels, lines, out)


def mediated_sums(design: Design, draws: Posterior, mediator: int, labels: np.ndarray, count: int) -> np.ndarray:
    """Incremental KPI (D, count, C) that reached the KPI through one mediator, summed over cells that share a label."""
    assert draws.mediated is not None
    through = np.repeat(draws.mediated[:, mediator, :, None], len(design.data.geos), axis=2)
    return media_sums(design, replace(draws, beta_geo=through), design.media, labels, count)


def _numpy_media_sums(
    design: Design, draws: Posterior, media: np.ndarray, labels: np.ndarray, count: int
) -> np.ndarray:
    """`media_sums` for the forms that the compiled density does not have."""
    from scipy.sparse import csr_matrix

    cells = labels.ravel()
    inside = np.flatnonzero(cells >= 0)
    sums = csr_matrix((np.ones(inside.size), (inside, cells[inside])), shape=(cells.size, count))
    out = np.zeros((draws.count, count, len(media)))
    unit = (design.scales.size * design.scales.kpi)[None, :, None]
    step = max(1, CHUNK // max(cells.size * 4, 1))
    for start in range(0, draws.count, step):
        pick = slice(start, start + step)
        for c in range(len(media)):
            response = respond(design, draws.response, c, media[c], pick)
            effect = draws.beta_geo[pick, c][:, :, None] * unit * response
            out[pick, :, c] = effect.reshape(len(effect), -1) @ sums
    return out


def _with_mediators_own_lines(
    design: Design, draws: Posterior, labels: np.ndarray, lines: tuple[str, ...], sums: np.ndarray
) -> tuple[tuple[str, ...], np.ndarray]:
    """Baseline lines with one more per mediator: its own contribution, without media's part.

    The model measures a mediator from its usual level; the contribution of that level moves from the line
    `baseline` to the mediator's own.
    """
    assert draws.passed_on is not None
    assert design.mediators is not None
    cells = labels >= 0
    unit = np.broadcast_to((design.scales.size * design.scales.kpi)[:, None], labels.shape)
    count = sums.shape[1]
    usual = np.bincount(labels[cells], weights=unit[cells], minlength=count)
    out, base = sums.copy(), lines.index("baseline")
    own = []
    for m, series in enumerate(design.mediators):
        volume = np.bincount(labels[cells], weights=(series * unit)[cells], minlength=count)
        out[:, :, base] -= draws.passed_on[:, m, None] * usual
        own.append(draws.passed_on[:, m, None] * volume - mediated_sums(design, draws, m, labels, count).sum(axis=2))
    return (*lines, *design.data.mediator_names), np.concatenate([out, np.stack(own, axis=2)], axis=2)
