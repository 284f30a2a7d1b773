"""The sampled parameters: their names in the order of the compiled density, and the priors that no spec changes."""

from __future__ import annotations

import numpy as np

from models.mmm.model.design import Design

CURVES = {"hill": 0, "logistic": 1, "exponential": 2}
WEEK_PRIOR = (0.0, 2.0)  # log of common over own variance in a region's week: from none to nearly all
ETA_PRIOR = (np.log(0.2), 0.5)  # relative sd of a channel's effect between regions, kept off zero
NOISE_SCALE = 3.0  # HalfNormal of the noise, in units of the KPI's movement


def names(design: Design) -> tuple[str, ...]:
    """Sampled coordinates, in the kernel's order."""
    channels = design.data.media_names
    out = [f"log_half_life[{c}]" for c in channels]
    out += [f"log_shape[{c}]" for c, own in zip(channels, design.delayed, strict=True) if own]
    out += [f"log_half_saturation[{c}]" for c in channels]
    out += [f"log_slope[{c}]" for c, own in zip(channels, design.sloped, strict=True) if own]
    out += [f"effect[{c}]" for c in channels]
    out += ["log_sigma"] + [f"log_spread[{g}]" for g in design.baseline.groups]
    out += ["log_week_ratio"] if design.week_effects else []
    if design.geo_effects:
        out += ["log_eta"] + [f"eps[{c},{g}]" for c in channels for g in design.data.geos]
    return tuple(out)
