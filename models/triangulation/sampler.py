"""Drawing from the evidence model with nutpie, and checking whether they have converged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np

from models.triangulation.evidence import Readings
from models.triangulation.layout import Layout, block, effects, layout, start
from models.triangulation.priors import EvidencePriors

R_HAT_LIMIT = 1.01
ESS_FLOOR = 400
DIVERGENCE_SHARE = 0.001


@dataclass(frozen=True)
class SamplerSettings:
    """Chains, draws and warm-up. The high acceptance target costs time and removes nearly all divergences."""

    chains: int = 4
    draws: int = 2000
    tune: int = 1000
    target_accept: float = 0.99
    cores: int | None = None

    def __post_init__(self) -> None:
        if self.chains < 2 or self.draws < 100 or self.tune < 100 or not 0.5 < self.target_accept < 1:
            raise ValueError(f"{self}: need chains >= 2, draws >= 100, tune >= 100, target_accept in (0.5, 1)")

    def longer(self) -> SamplerSettings:
        """Twice the draws and warm-up, and smaller steps."""
        closer = 1 - (1 - self.target_accept) / 2
        return replace(self, draws=2 * self.draws, tune=2 * self.tune, target_accept=closer)


@dataclass(frozen=True)
class Convergence:
    """Worst R-hat and effective sample size over all parameters, divergences, and whether the gates hold."""

    r_hat: float
    ess_bulk: float
    divergences: int
    draws: int

    @property
    def converged(self) -> bool:
        return (
            self.r_hat <= R_HAT_LIMIT
            and self.ess_bulk >= ESS_FLOOR
            and self.divergences <= DIVERGENCE_SHARE * self.draws
        )


@dataclass(frozen=True)
class Draws:
    """Posterior draws: `chains` (chains, draws, parameters) on the unconstrained scale of `layout`."""

    layout: Layout
    chains: np.ndarray
    divergences: int

    @cached_property
    def point(self) -> np.ndarray:
        """All draws in one row each, (chains x draws, parameters)."""
        return self.chains.reshape(-1, self.chains.shape[-1])

    @cached_property
    def convergence(self) -> Convergence:
        """Diagnostics over all parameters; they cost as much as the draws, so refits for predictions skip them."""
        r_hat, ess = _diagnostics(self.chains)
        return Convergence(r_hat=r_hat, ess_bulk=ess, divergences=self.divergences, draws=self.point.shape[0])

    @property
    def eta(self) -> np.ndarray:
        """Log iROAS, (draws, channels)."""
        return self.point[:, self.layout.channel_effects]

    def shared(self, position: int) -> np.ndarray:
        """One of the parameters common to all channels, by its place in `layout.SHARED`."""
        return self.point[:, position]


def sample(read: Readings, priors: EvidencePriors, settings: SamplerSettings, *, seed: int) -> Draws:
    """Posterior draws by NUTS on the compiled density. Same inputs and seed give the same bits on one machine."""
    import nutpie

    model = _compiled()(layout(read).size, block(read, priors), start(read, priors))
    # The raw trace: turning it into arviz's containers takes longer than drawing it.
    trace = nutpie.sample(model, **_arguments(settings, seed), return_raw_trace=True)
    points, diverging = _raw(trace, settings.draws)
    return Draws(layout(read), effects(read, priors, points), diverging)


def sample_graph(read: Readings, priors: EvidencePriors, settings: SamplerSettings, *, seed: int) -> Draws:
    """The same posterior through the PyMC graph: minutes instead of seconds, to check the compiled route."""
    import nutpie

    from models.triangulation.pymc_model import graph

    model = nutpie.compile_pymc_model(graph(read, priors))
    trace = nutpie.sample(model, **_arguments(settings, seed))
    posterior = trace.posterior
    logs = ("tau", "drift", "quasi", "platform_lift")
    shared = [
        posterior["mu"],
        *(np.log(posterior[name]) for name in logs),
        posterior["b_mmm"],
        np.log(posterior["omega_mmm"]),
    ]
    chains, draws = posterior["mu"].shape
    if draws < settings.draws:
        raise KeyboardInterrupt
    columns = [np.asarray(one).reshape(chains, draws, -1) for one in shared]
    columns += [posterior["bias"].values, np.log(posterior["noise"].values)]
    columns += [posterior[name].values.reshape(chains, draws, -1) for name in ("alpha", "delta") if name in posterior]
    points = np.concatenate([*columns, posterior["eta"].values], axis=-1)
    return Draws(layout(read), points, int(trace.sample_stats["diverging"].values.sum()))


def _arguments(settings: SamplerSettings, seed: int) -> dict[str, Any]:
    return {
        "draws": settings.draws,
        "tune": settings.tune,
        "chains": settings.chains,
        "cores": settings.cores,
        "seed": seed,
        "target_accept": settings.target_accept,
        "save_warmup": False,
        "progress_bar": False,
    }


def _raw(trace: Any, draws: int) -> tuple[np.ndarray, int]:
    """Draws after warm-up, (chains, draws, parameters), and the divergences among them."""
    import pyarrow as pa

    chains, diverging = [], 0
    for drawn, stat in zip(*trace.get_arrow_trace(), strict=True):
        warming = pa.array(stat.column("tuning")).to_numpy(zero_copy_only=False)
        warm_up = int(warming.sum())
        flat = pa.array(drawn.column("point")).flatten().to_numpy()
        points = flat.reshape(warming.size, -1)[warm_up:]
        if points.shape[0] < draws:
            # nutpie answers Ctrl-C by returning what it has; half a posterior must not pass for one.
            raise KeyboardInterrupt
        chains.append(points)
        diverging += int(pa.array(stat.column("diverging")).to_numpy(zero_copy_only=False)[warm_up:].sum())
    return np.stack(chains), diverging


def _diagnostics(points: np.ndarray) -> tuple[float, float]:
    import arviz

    traces = [np.ascontiguousarray(points[:, :, i]) for i in range(points.shape[-1])]
    r_hat = max(float(arviz.rhat(trace)) for trace in traces)
    return r_hat, min(float(arviz.ess(trace, method="bulk")) for trace in traces)


@cache
def _compiled() -> Any:
    """The bridge from our callbacks to nutpie. Its interface is private, which is why nutpie is pinned exactly."""
    from nutpie import _lib
    from nutpie.sample import CompiledModel

    from models.triangulation.log_density import density_callback, expand_callback

    class CompiledEvidence(CompiledModel):
        """One block of data behind the compiled density."""

        def __init__(self, size: int, data: np.ndarray, begin: np.ndarray) -> None:
            object.__setattr__(self, "dims", {"point": ("parameter",)})
            object.__setattr__(self, "_size", size)
            object.__setattr__(self, "_data", data)
            object.__setattr__(self, "_begin", begin)

        @property
        def n_dim(self) -> int:
            return int(self._size)

        @property
        def shapes(self) -> dict[str, tuple[int, ...]]:
            return {"point": (self.n_dim,)}

        @property
        def coords(self) -> dict[str, Any]:
            return {"parameter": np.arange(self.n_dim)}

        def _start(self, seed: int) -> np.ndarray:
            jitter = np.random.default_rng(seed).uniform(-0.3, 0.3, self.n_dim)
            return np.asarray(self._begin + jitter)

        def _make_model(self, init_mean: np.ndarray | None) -> Any:
            address = self._data.ctypes.data
            sizes = {"parameter": self.n_dim}
            variables = _lib.PyVariable.new_variables(["point"], ["float64"], [(self.n_dim,)], sizes, dict(self.dims))
            return _lib.PyMcModel(
                _lib.LogpFunc(density_callback.address, address, self),
                _lib.ExpandFunc(self.n_dim, self.n_dim, expand_callback.address, address, self),
                variables,
                self.n_dim,
                sizes,
                self.coords,
                self._start,
                None,
            )

        def _make_sampler(self, settings: Any, init_mean: np.ndarray, cores: int, *rest: Any) -> Any:
            return _lib.PySampler.from_pymc(settings, cores, self._make_model(init_mean), *rest)

    return CompiledEvidence
