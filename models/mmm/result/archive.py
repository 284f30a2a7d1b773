"""One file per fit: arrays and a JSON of everything else, without pickles and without class paths.

It packs a design, draws and a plain record; `fit` makes an MMMFit of them.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
import zlib
from dataclasses import asdict, dataclass, fields, replace
from datetime import date as Date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from models.mmm.model.baseline import BaselineConstants
from models.mmm.model.build import design as build_design
from models.mmm.model.design import Design, Form, Scales
from models.mmm.model.effect_prior import EffectPrior
from models.mmm.model.lift_tests import Experiment
from models.mmm.panel.error import MMMError
from models.mmm.panel.panel import MMMData
from models.mmm.result.posterior import Posterior
from models.mmm.spec import MMMSpec
from models.warning import Warning

FORMAT = 1
SEAL = b"sha256:"  # at the end of a file, before the digest of all bytes before it
SEAL_LENGTH = len(SEAL) + 64
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    KeyError,
    IndexError,
    TypeError,
    ValueError,
    RuntimeError,
    MemoryError,
    pl.exceptions.PolarsError,
)


class UnreadableFitError(MMMError):
    """A file that is not, or no longer, a saved fit of this release."""


@dataclass(frozen=True, eq=False)
class Record:
    """Contents of a saved fit besides its design and draws.

    `path` and `reason` say how the fit was made from an earlier one (None for a first fit), `origin` is the content of
    the sampled fit behind a re-weighted one.
    """

    engine: str
    engine_reason: str
    decisions: tuple[str, ...]
    experiments: tuple[Experiment, ...]
    checks: pl.DataFrame
    findings: tuple[Warning, ...]
    seed: int
    path: Any = None
    reason: str = ""
    origin: bytes | None = None


def to_bytes(design: Design, draws: Posterior, record: Record) -> bytes:
    """The content of one file, sealed with a digest of itself."""
    arrays: dict[str, np.ndarray] = {}
    data: dict[str, object] = {}
    for field in fields(design.data):
        value = getattr(design.data, field.name)
        if isinstance(value, np.ndarray):
            arrays[f"data.{field.name}"] = value
        elif field.name == "findings":
            data[field.name] = [asdict(w) for w in value]
        elif field.name == "dates":
            data[field.name] = [d.isoformat() for d in value]
        else:
            data[field.name] = value
    for field in fields(draws):
        value = getattr(draws, field.name)
        if isinstance(value, np.ndarray):
            arrays[f"draws.{field.name}"] = value
    scales = design.scales
    plain: dict[str, object] = {
        "format": FORMAT,
        "data": data,
        "spec": design.spec.model_dump(mode="json"),
        "form": asdict(design.form),
        "baseline": asdict(scales.baseline),
        "kpi_scale": scales.kpi,
        "names": draws.names,
        "engine": record.engine,
        "engine_reason": record.engine_reason,
        "decisions": record.decisions,
        "experiments": [e.model_dump(mode="json") for e in record.experiments],
        "findings": [asdict(w) for w in record.findings],
        "checks": record.checks.to_dict(as_series=False),
        "basis": design.effect.basis,
        "seed": record.seed,
    }
    if record.path is not None:
        plain["lineage"] = {"path": record.path, "reason": record.reason}
    if record.origin is not None:
        arrays["origin"] = np.frombuffer(record.origin, dtype=np.uint8)
    arrays |= {
        "scales.size": scales.size,
        "scales.media": scales.media,
        "scales.noise": scales.noise,
        "weight": design.weight,
        "effect.kind": design.effect.kind,
        "effect.mu": design.effect.mu,
        "effect.sd": design.effect.sd,
        "effect.scale_to_iroas": design.effect.scale_to_iroas,
    }
    text = np.frombuffer(json.dumps(plain).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, json=text, **arrays)  # type: ignore[arg-type]  # numpy's stub takes no mapping of names
    return _sealed(buffer)


def content_of(path: str | Path) -> bytes:
    """The bytes of a saved fit. Raises FileNotFoundError, and UnreadableFitError where the file cannot be opened."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise
    except OSError as refused:
        raise UnreadableFitError(f"the saved fit cannot be opened: {refused.strerror}", file=str(path)) from refused


def from_bytes(content: bytes, file: str) -> tuple[Design, Posterior, Record]:
    """Design, draws and record from the content of `file`. Raises UnreadableFitError for anything else."""
    try:
        arrays = _arrays(content)
    except UNREADABLE as broken:
        raise UnreadableFitError(
            f"not a saved MMM fit, or a damaged one ({type(broken).__name__}: {broken})",
            file=file,
            fix="delete the file and fit again",
        ) from broken
    if "json" not in arrays:
        raise UnreadableFitError("not a saved MMM fit", file=file)
    try:
        plain = json.loads(arrays["json"].tobytes().decode())
        if plain["format"] == FORMAT:
            return _unpacked(plain, arrays)
    except UNREADABLE as broken:
        raise UnreadableFitError(
            f"the saved fit does not hold what this release reads ({type(broken).__name__}: {broken})",
            file=file,
            fix="delete the file and fit again",
        ) from broken
    raise UnreadableFitError(f"format {plain['format']}, this release reads {FORMAT}", file=file, fix="fit again")


def _sealed(buffer: io.BytesIO) -> bytes:
    """The archive with a comment that holds the digest of all bytes before it: the zip's own checksums leave gaps."""
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"0" * SEAL_LENGTH
    body = buffer.getvalue()[:-SEAL_LENGTH]
    return body + SEAL + hashlib.sha256(body).hexdigest().encode()


def _arrays(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of a file. Raises one of `UNREADABLE` where its bytes are not those that were written."""
    if content[-22:-18] == b"PK\x05\x06" and content.endswith(b"\0\0"):
        # ends as a zip without a comment: written by an earlier release, so the members' checksums are all there is
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"the checksum of {damaged} is wrong")
    elif content[-SEAL_LENGTH:] != SEAL + hashlib.sha256(content[:-SEAL_LENGTH]).hexdigest().encode():
        raise ValueError("its bytes are not those that were written")
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _unpacked(plain: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[Design, Posterior, Record]:
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
    shape: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in plain["form"].items()}
    spec = MMMSpec.model_validate(plain["spec"])
    design = build_design(_data(plain["data"], arrays), spec, Form(**shape), scales=scales)
    effect = EffectPrior(
        arrays["effect.kind"],
        arrays["effect.mu"],
        arrays["effect.sd"],
        arrays["effect.scale_to_iroas"],
        tuple(plain["basis"]),
    )
    draws = Posterior(
        names=tuple(plain["names"]),
        **{f.name: arrays[f"draws.{f.name}"] for f in fields(Posterior) if f"draws.{f.name}" in arrays},
    )
    lineage = plain.get("lineage") or plain.get("refreshed") or {"path": None, "reason": ""}
    record = Record(
        engine=plain["engine"],
        engine_reason=plain["engine_reason"],
        decisions=tuple(plain["decisions"]),
        experiments=tuple(Experiment.model_validate(e) for e in plain["experiments"]),
        checks=pl.DataFrame(plain["checks"]),
        findings=tuple(_warning(w) for w in plain["findings"]),
        seed=plain["seed"],
        path=lineage["path"],
        reason=lineage["reason"],
        origin=arrays["origin"].tobytes() if "origin" in arrays else None,
    )
    return replace(design, effect=effect, weight=arrays["weight"]), draws, record


def _warning(plain: dict[str, Any]) -> Warning:
    return Warning(**(plain | {"subjects": tuple(plain.get("subjects", ()))}))


def _data(plain: dict[str, Any], arrays: dict[str, np.ndarray]) -> MMMData:
    values: dict[str, Any] = {}
    for field in fields(MMMData):
        if f"data.{field.name}" in arrays:
            values[field.name] = arrays[f"data.{field.name}"]
        elif field.name == "dates":
            values[field.name] = tuple(Date.fromisoformat(d) for d in plain["dates"])
        elif field.name == "findings":
            values[field.name] = tuple(_warning(w) for w in plain["findings"])
        elif field.name in plain:
            value = plain[field.name]
            values[field.name] = tuple(value) if isinstance(value, list) else value
    return MMMData(**values)
