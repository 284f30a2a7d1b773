"""The peer's side, run by the peer's own interpreter: cases in by file, one fit out by file, a line of JSON for each.

Imports nothing of Plumbline. Input lines: {"case": path, "result": path, "seed": n, "fit": true | false}.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import sys
import time
import warnings

warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402 -- warnings of the imports would break the line protocol's readability
import nutpie  # noqa: E402, TID253 -- this file runs in its own interpreter, where these are the point
import pandas as pd  # noqa: E402, TID253 -- the same
from pymc_extras.prior import Prior  # noqa: E402 -- the same
from pymc_marketing.mmm import GeometricAdstock, LogisticSaturation  # noqa: E402 -- the same
from pymc_marketing.mmm.multidimensional import MMM  # noqa: E402 -- the same


def cpu_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def model(case: np.lib.npyio.NpzFile) -> tuple[MMM, pd.DataFrame, pd.Series]:
    """The package's default model; only the yearly waves get a Normal prior in place of a Laplace one."""
    geos, periods, channels = case["media"].shape
    names = [f"x{c}" for c in range(channels)]
    controls = [f"z{k}" for k in range(case["controls"].shape[2])]
    many = geos > 1
    frame = pd.DataFrame(
        {
            "date": np.tile(pd.to_datetime(case["dates"]), geos),
            "geo": np.repeat([f"g{g:03d}" for g in range(geos)], periods),
            **{n: case["media"][:, :, c].ravel() for c, n in enumerate(names)},
            **{n: case["controls"][:, :, k].ravel() for k, n in enumerate(controls)},
        }
    )
    dims = ("geo",) if many else ()
    built = MMM(
        date_column="date",
        channel_columns=names,
        control_columns=controls,
        target_column="kpi",
        dims=dims or None,
        adstock=GeometricAdstock(l_max=int(case["taps"])),
        saturation=LogisticSaturation(),
        yearly_seasonality=2,
        model_config={"gamma_fourier": Prior("Normal", mu=0, sigma=1, dims=(*dims, "fourier_mode"))},
    )
    if not many:
        frame = frame.drop(columns="geo")
    return built, frame, pd.Series(case["kpi"].ravel(), name="kpi")


def fit(path: str, seed: int, sample: bool) -> dict[str, np.ndarray]:
    """Draws and costs; with `sample` false only the model is built and compiled, which warms the caches."""
    case = np.load(path)
    load = os.getloadavg()[0]
    began = cpu_seconds()
    built, frame, kpi = model(case)
    built.build_model(frame, kpi)
    compiled = nutpie.compile_pymc_model(built.model)
    compile_cpu = cpu_seconds() - began
    if not sample:
        return {}
    began = cpu_seconds()
    trace = nutpie.sample(
        compiled, chains=4, draws=1000, tune=1000, seed=seed, cores=2, progress_bar=False, save_warmup=False
    )
    sample_cpu = cpu_seconds() - began
    posterior = trace.posterior
    parts = posterior["channel_contribution"]
    over = [d for d in parts.dims if d not in ("chain", "draw", "channel")]
    total = parts.sum(over).transpose("chain", "draw", "channel").values * float(np.abs(case["kpi"]).max())
    sampled = [posterior[v.name].values.reshape(4, 1000, -1) for v in built.model.free_RVs]
    stats = trace.sample_stats
    return {
        "roi": total / case["money"],
        "parameters": np.concatenate(sampled, axis=2),
        "compile_cpu": np.array(compile_cpu),
        "sample_cpu": np.array(sample_cpu),
        "divergences": np.array(int(stats["diverging"].values.sum())),
        "gradients": np.array(float(stats["n_steps"].values.mean())),
        "memory_mb": np.array(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "load": np.array(load),
    }


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints must not pass for an answer
    for line in sys.stdin:
        asked = json.loads(line)
        began = time.monotonic()
        found = fit(asked["case"], asked["seed"], asked["fit"])
        if found:
            np.savez(asked["result"], **found)  # type: ignore[arg-type]
        answers.write(json.dumps({"wall": time.monotonic() - began, "python": platform.python_version()}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
