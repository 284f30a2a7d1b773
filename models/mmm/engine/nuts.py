"""NUTS over the compiled density: nutpie runs it without Python in the loop, whatever the size of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.mmm.spec import Sampling


@dataclass(frozen=True, eq=False)
class Run:
    """Draws of theta (chains, draws, n) and sampler statistics: divergences, energy (chains, draws), gradients a
    draw.
    """

    theta: np.ndarray
    divergences: int
    energy: np.ndarray
    steps: float
    depth_share: float


def sample(block: np.ndarray, n: int, settings: Sampling, *, seed: int, cores: int = 2) -> Run:
    """Draws from the density of `block`, started at Normal(0, 1) in its whitened coordinates."""
    import nutpie

    model = _compiled(block, n, seed)
    trace = nutpie.sample(
        model,
        chains=settings.chains,
        draws=settings.draws,
        tune=settings.tune,
        target_accept=settings.target_accept,
        seed=seed,
        cores=min(cores, settings.chains),
        progress_bar=False,
        save_warmup=False,
    )
    theta = np.asarray(trace.posterior["theta"].values)
    if theta.shape[:2] != (settings.chains, settings.draws):
        raise KeyboardInterrupt  # nutpie answers Ctrl-C with what it has; half a posterior must not pass for one
    stats = trace.sample_stats
    return Run(
        theta=theta,
        divergences=int(stats["diverging"].values.sum()),
        energy=np.asarray(stats["energy"].values),
        steps=float(stats["n_steps"].values.mean()),
        depth_share=float((stats["depth"].values >= 10).mean()),
    )


def _compiled(block: np.ndarray, n: int, seed: int) -> Any:
    """The kernel as a nutpie model: through the compiled-callback interface, else through the public Python one."""
    try:
        return _native(block, n)
    except (ImportError, AttributeError, TypeError):
        return _public(block, n)


def _native(block: np.ndarray, n: int) -> Any:
    from nutpie import _lib
    from nutpie.sample import CompiledModel

    from models.mmm.engine import log_density

    class Native(CompiledModel):
        @property
        def n_dim(self) -> int:
            return n

        @property
        def shapes(self) -> dict[str, tuple[int, ...]]:
            return {"theta": (n,)}

        @property
        def coords(self) -> dict[str, Any]:
            return {}

        def _make_model(self, init_mean: object) -> Any:
            sizes: dict[str, int] = {}
            data = block.ctypes.data
            density = _lib.LogpFunc(log_density.logp_callback.address, data, block)
            expand = _lib.ExpandFunc(n, n, log_density.expand_callback.address, data, block)
            variables = _lib.PyVariable.new_variables(["theta"], ["float64"], [(n,)], sizes, {})
            return _lib.PyMcModel(density, expand, variables, n, sizes, {}, _begin, None)

        def _make_sampler(self, settings: Any, init_mean: object, cores: int, *rest: Any) -> Any:
            return _lib.PySampler.from_pymc(settings, cores, self._make_model(init_mean), *rest)

    def _begin(seed: int) -> np.ndarray:
        return np.random.default_rng(seed).normal(0.0, 0.5, n)

    return Native(dims={})


def _public(block: np.ndarray, n: int) -> Any:
    from nutpie.compiled_pyfunc import from_pyfunc

    from models.mmm.engine.log_density import _theta, whitened

    def density(z: np.ndarray) -> tuple[float, np.ndarray]:
        grad = np.empty(n)
        code, value = whitened(z, grad, block)
        return (value, grad) if code == 0 else (-np.inf, np.zeros(n))

    return from_pyfunc(
        n,
        lambda: density,
        lambda *_: lambda z: {"theta": _theta(z, block)},
        [np.dtype("float64")],
        [(n,)],
        ["theta"],
        make_initial_point_fn=lambda seed: np.random.default_rng(seed).normal(0.0, 0.5, n),
    )
