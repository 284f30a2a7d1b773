"""One file per fit: arrays and a JSON of everything else, without pickles and without class paths."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, fields
from datetime import date as Date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from models.mmm.model.baseline import BaselineConstants
from models.mmm.model.build import EffectPrior, Form, Scales, design
from models.mmm.model.lift_tests import Experiment
from models.mmm.panel.panel import MMMData
from models.mmm.result.posterior import Posterior
from models.mmm.spec import MMMSpec
from models.warning import Warning

if TYPE_CHECKING:
    from models.mmm.result.fit import MMMFit

FORMAT = 1


def save(fit: MMMFit, path: str | Path) -> Path:
    """Writes the fit to `path` (suffix .npz is added when missing) and returns the path written.

    A re-weighted fit takes the sampled one behind it along, so that it can be carried further. The file appears whole
    or not at all.
    """
    target = Path(path)
    if target.suffix != ".npz":
        target = target.with_name(target.name + ".npz")
    whole = target.with_name(target.name + ".part")
    whole.write_bytes(_packed(fit))
    whole.replace(target)
    return target


def _packed(fit: MMMFit) -> bytes:
    from models.mmm.result.refreshed import Refreshed

    arrays: dict[str, np.ndarray] = {}
    plain: dict[str, object] = {"format": FORMAT}
    data: dict[str, object] = {}
    for field in fields(fit.data):
        value = getattr(fit.data, field.name)
        if isinstance(value, np.ndarray):
            arrays[f"data.{field.name}"] = value
        elif field.name == "findings":
            data[field.name] = [asdict(w) for w in value]
        elif field.name == "dates":
            data[field.name] = [d.isoformat() for d in value]
        else:
            data[field.name] = value
    plain["data"] = data
    for field in fields(fit.draws):
        value = getattr(fit.draws, field.name)
        if isinstance(value, np.ndarray):
            arrays[f"draws.{field.name}"] = value
    scales = fit.design.scales
    plain |= {
        "spec": fit.spec.model_dump(mode="json"),
        "form": asdict(fit.design.form),
        "baseline": asdict(scales.baseline),
        "kpi_scale": scales.kpi,
        "names": fit.draws.names,
        "engine": fit.engine,
        "engine_reason": fit.engine_reason,
        "decisions": fit.decisions,
        "experiments": [e.model_dump(mode="json") for e in fit.experiments],
        "findings": [asdict(w) for w in fit.findings],
        "checks": fit.checks.to_dict(as_series=False),
        "basis": fit.design.effect.basis,
        "seed": fit.seed,
    }
    if isinstance(fit, Refreshed):
        plain["refreshed"] = {"path": fit.path, "reason": fit.reason}
        if fit.origin is not None:
            arrays["origin"] = np.frombuffer(_packed(fit.origin), dtype=np.uint8)
    arrays |= {
        "scales.size": scales.size,
        "scales.media": scales.media,
        "scales.noise": scales.noise,
        "weight": fit.design.weight,
        "effect.kind": fit.design.effect.kind,
        "effect.mu": fit.design.effect.mu,
        "effect.sd": fit.design.effect.sd,
        "effect.scale_to_iroas": fit.design.effect.scale_to_iroas,
    }
    text = np.frombuffer(json.dumps(plain).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, json=text, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def load(path: str | Path) -> MMMFit:
    """The fit that `save` wrote. Raises ValueError for a file of another format."""
    return _unpacked(Path(path), str(path))


def _unpacked(file: Path | io.BytesIO, path: str) -> MMMFit:
    from dataclasses import replace

    from models.mmm.result.fit import MMMFit
    from models.mmm.result.refreshed import Refreshed

    with np.load(file, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    if "json" not in arrays:
        raise ValueError(f"{path}: not a saved MMM fit")
    plain = json.loads(arrays["json"].tobytes().decode())
    if plain["format"] != FORMAT:
        raise ValueError(f"{path}: format {plain['format']}, this release reads {FORMAT}: fit again")
    raw = plain["data"]
    parts: dict[str, object] = {}
    for field in fields(MMMData):
        if f"data.{field.name}" in arrays:
            parts[field.name] = arrays[f"data.{field.name}"]
        elif field.name == "dates":
            parts[field.name] = tuple(Date.fromisoformat(d) for d in raw["dates"])
        elif field.name == "findings":
            parts[field.name] = tuple(Warning(**w) for w in raw["findings"])
        elif field.name in raw:
            value = raw[field.name]
            parts[field.name] = tuple(value) if isinstance(value, list) else value
    data = MMMData(**parts)  # type: ignore[arg-type]
    constants = plain["baseline"]
    for key in ("knots", "control_centre", "control_width"):
        constants[key] = tuple(constants[key])
    scales = Scales(
        plain["kpi_scale"],
        arrays["scales.size"],
        arrays["scales.media"],
        arrays["scales.noise"],
        BaselineConstants(**constants),
    )
    spec = MMMSpec.model_validate(plain["spec"])
    shape: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in plain["form"].items()}
    plan = design(data, spec, Form(**shape), scales=scales)
    effect = EffectPrior(
        arrays["effect.kind"],
        arrays["effect.mu"],
        arrays["effect.sd"],
        arrays["effect.scale_to_iroas"],
        tuple(plain["basis"]),
    )
    plan = replace(plan, effect=effect, weight=arrays["weight"])
    draws = Posterior(
        names=tuple(plain["names"]),
        **{f.name: arrays[f"draws.{f.name}"] for f in fields(Posterior) if f"draws.{f.name}" in arrays},
    )
    known: dict[str, Any] = {
        "design": plan,
        "draws": draws,
        "engine": plain["engine"],
        "engine_reason": plain["engine_reason"],
        "decisions": tuple(plain["decisions"]),
        "experiments": tuple(Experiment.model_validate(e) for e in plain["experiments"]),
        "checks": pl.DataFrame(plain["checks"]),
        "findings": tuple(Warning(**w) for w in plain["findings"]),
        "seed": plain["seed"],
    }
    how = plain.get("refreshed")
    if how is None:
        return MMMFit(**known)
    origin = _unpacked(io.BytesIO(arrays["origin"].tobytes()), f"{path}, its origin") if "origin" in arrays else None
    return Refreshed(**known, origin=origin, path=how["path"], reason=how["reason"], checked=True)
