"""A finished fit and its tables, each computed from the parameter draws when it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date as Date
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from models.mmm.model.design import Design
from models.mmm.model.lift_tests import Experiment
from models.mmm.panel.error import MMMError
from models.mmm.panel.panel import MMMData
from models.mmm.result import archive
from models.mmm.result.contributions import linear_sums, media_sums, parts
from models.mmm.result.log_returns import LogReturns, log_returns, prior_iroas
from models.mmm.result.posterior import Posterior
from models.mmm.result.summary import means_by_date, quantiles_by_channel
from models.mmm.spec import MMMSpec
from models.period_draws import PeriodDraws
from models.warning import Warning

REPORT_DRAWS = 2000  # joint draws behind a table; more change no printed digit
RANGE_DRAWS, MANY_PERIODS = 500, 400  # joint draws behind ranges of more periods than that


RefreshPath = Literal["re-weighted", "warm refit", "cold refit"]


@dataclass(frozen=True, eq=False)
class Lineage:
    """How a fit was made from an earlier one: by which path, and why that path.

    `origin` is the sampled fit behind a re-weighted one, None for a refit. `state` is what `updating` needs to carry
    the draws on to further rows; nothing else reads it, and it is not saved.
    """

    path: RefreshPath
    reason: str = ""
    origin: MMMFit | None = None
    state: object | None = None


@dataclass(frozen=True, eq=False)
class MMMFit:
    """One fitted model. Intervals are 90 % parameter intervals (q05 to q95) unless a name says otherwise.

    `engine` is `kernel` or `pymc` with the reason in `engine_reason`; `decisions` lists what was chosen
    automatically and why. `uses_experiments` is true when tests are inside the likelihood: such a fit must not be
    combined with the same tests again. `lineage` says how the fit was made from an earlier one, None for a first fit.
    Re-weighting takes milliseconds, so a re-weighted fit brings the checks of its answer as `later_checks`.
    """

    design: Design
    draws: Posterior
    engine: str
    engine_reason: str
    decisions: tuple[str, ...]
    experiments: tuple[Experiment, ...]
    checks: pl.DataFrame
    known_findings: tuple[Warning, ...]
    seed: int
    lineage: Lineage | None = None
    later_checks: Callable[[MMMFit], tuple[Warning, ...]] | None = None

    @cached_property
    def findings(self) -> tuple[Warning, ...]:
        """Everything known about this fit: `known_findings`, and what `later_checks` find when this is first read."""
        if self.later_checks is None:
            return self.known_findings
        return (*self.known_findings, *self.later_checks(replace(self, later_checks=None)))

    @property
    def data(self) -> MMMData:
        """The panel the model was fitted on."""
        return self.design.data

    @property
    def spec(self) -> MMMSpec:
        """The specification as given; `design.form` says what `auto` became."""
        return self.design.spec

    @property
    def uses_experiments(self) -> bool:
        """Whether experiments are part of the likelihood."""
        return bool(self.experiments)

    @property
    def converged(self) -> bool:
        """Whether every convergence gate passed; False means that no number of this fit may be reported."""
        return not any(w.code == "not_converged" for w in self.known_findings)

    def warnings(self) -> list[Warning]:
        """Every known way in which a number of this fit may be wrong, most severe first."""
        order = {"block": 0, "high": 1, "medium": 2, "low": 3, "info": 4}
        return sorted(self.findings, key=lambda w: order[w.severity])

    def diagnostics(self) -> pl.DataFrame:
        """Convergence per quantity: quantity, r_hat, ess_bulk, ess_tail."""
        return self.checks

    def incremental(
        self, *, start: Date | None = None, end: Date | None = None, geos: Sequence[str] | None = None
    ) -> np.ndarray:
        """Joint draws (D, C) of incremental KPI per channel in the cells of the window and geos (all by default)."""
        if start is None and end is None and geos is None:
            return self._incremental
        return self._incremental_in(self._cells(start, end, geos))

    @cached_property
    def _incremental(self) -> np.ndarray:  # every table and most checks read it
        return self._incremental_in(np.ones(self.design.y.shape, dtype=bool))

    def _incremental_in(self, cells: np.ndarray) -> np.ndarray:
        draws = self.draws.thin(REPORT_DRAWS)
        sums = media_sums(self.design, draws, self.design.media, np.where(cells, 0, -1), 1)[:, 0, :]
        sums.flags.writeable = False
        return sums

    def totals(self) -> pl.DataFrame:
        """Incremental KPI of each channel over the window: channel, mean, sd, q05, q50, q95."""
        return quantiles_by_channel(self.data.media_names, self.incremental())

    def roas(self) -> pl.DataFrame:
        """iROAS of each paid channel over the window: incremental KPI in money per money spent; not the next unit's."""
        return quantiles_by_channel(self.data.channels, self.roas_draws())

    def roas_draws(self) -> np.ndarray:
        """Joint draws (D, P) of iROAS over the window."""
        paid = len(self.data.channels)
        return np.asarray(self.incremental()[:, :paid] * self.data.money_per_kpi / self.data.spend.sum(axis=(0, 1)))

    def mroas(self, *, step: float = 0.01) -> pl.DataFrame:
        """Marginal return: extra KPI in money of `step` more media everywhere, per extra money."""
        return quantiles_by_channel(self.data.channels, self.mroas_draws(step=step))

    def mroas_draws(self, *, step: float = 0.01) -> np.ndarray:
        """Joint draws (D, P) of the marginal return."""
        paid = len(self.data.channels)
        labels = np.zeros(self.design.y.shape, dtype=np.int64)
        draws = self.draws.thin(REPORT_DRAWS)
        now = media_sums(self.design, draws, self.design.media, labels, 1)[:, 0, :paid]
        more = media_sums(self.design, draws, self.design.media * (1 + step), labels, 1)[:, 0, :paid]
        return np.asarray((more - now) * self.data.money_per_kpi / (step * self.data.spend.sum(axis=(0, 1))))

    def contributions(self, *, by_geo: bool = False) -> pl.DataFrame:
        """KPI by date and component: date[, geo], component, mean, q05, q95; components sum to the fitted mean."""
        geos, periods = self.design.y.shape
        times = np.arange(periods)
        if not by_geo:
            names, values = self._sums(np.ascontiguousarray(np.broadcast_to(times, (geos, periods))), periods)
            return means_by_date(self.data.dates, names, values, self._cell_means[1].sum(axis=1))
        frames = []
        for g, geo in enumerate(self.data.geos):
            names, values = self._sums(np.where(np.arange(geos)[:, None] == g, times, -1), periods)
            frame = means_by_date(self.data.dates, names, values, self._cell_means[1][:, g])
            frames.append(frame.insert_column(1, pl.lit(geo).alias("geo")))
        return pl.concat(frames)

    def contribution_draws(
        self, periods: Mapping[str, tuple[Date, Date]], *, geos: Sequence[str] | None = None
    ) -> PeriodDraws:
        """Joint draws, observed KPI and spend per named period (first and last day, both included) and component."""
        inside = [self._cells(start, end, geos) for start, end in periods.values()]
        parts = [self._sums(np.where(cells, 0, -1), 1) for cells in inside]
        names = parts[0][0]
        return PeriodDraws(
            tuple(periods),
            names,
            np.concatenate([p[1] for p in parts], axis=1),
            np.array([self.data.kpi[c].sum() for c in inside]),
            np.array([self.data.spend[c].sum(axis=0) for c in inside]),
        )

    def closure(self) -> pl.DataFrame:
        """line, total over the window: each component, the fitted mean, the residual and the observed KPI."""
        names, values = self._sums(np.zeros(self.design.y.shape, dtype=np.int64), 1)
        means = values[:, 0].mean(axis=0)
        fitted, observed = float(means.sum()), float(self.data.kpi.sum())
        lines = [*names, "fitted", "residual", "observed"]
        return pl.DataFrame({"line": lines, "total": [*means, fitted, observed - fitted, observed]})

    def curves(self, *, points: int = 21, reach: float = 2.0, draws: int = 300) -> pl.DataFrame:
        """Incremental KPI of each channel at other spend levels over the window.

        Columns: channel, multiplier, spend, mean, q05, q95, observed_range. All periods of a channel are scaled
        together; `observed_range` is false above the largest spend in the data.
        """
        labels = np.zeros(self.design.y.shape, dtype=np.int64)
        thinned = self.draws.thin(draws)
        spend = self.data.spend.sum(axis=(0, 1))
        top = self.design.media.max(axis=(1, 2)) / np.array([m[m > 0].mean() for m in self.design.media])
        rows = []
        for factor in np.linspace(0, reach, points):
            sums = media_sums(self.design, thinned, self.design.media * factor, labels, 1)[:, 0]
            for c, name in enumerate(self.data.channels):
                low, high = np.quantile(sums[:, c], [0.05, 0.95])
                rows.append((name, factor, spend[c] * factor, sums[:, c].mean(), low, high, bool(factor <= top[c])))
        columns = ["channel", "multiplier", "spend", "mean", "q05", "q95", "observed_range"]
        return pl.DataFrame(rows, schema=columns, orient="row").sort("channel", "multiplier")

    def response_parameters(self) -> pl.DataFrame:
        """Carryover and saturation per channel: channel, parameter, mean, sd, q05, q50, q95; half-life in periods."""
        frames = []
        for name in ("half_life", "shape", "half_saturation", "slope"):
            values = getattr(self.draws, name)
            if np.ptp(values) > 0:
                frames.append(
                    quantiles_by_channel(self.data.media_names, values).insert_column(
                        1, pl.lit(name).alias("parameter")
                    )
                )
        return pl.concat(frames)

    def log_returns(self) -> LogReturns:
        """Input of the triangulation: log iROAS before and after the data, of paid channels with a positive prior."""
        return log_returns(self.design, self.roas_draws())

    def prior_draws(self, *, seed: int, count: int = 2000) -> pl.DataFrame:
        """iROAS before the data: draw, channel, iroas."""
        return prior_iroas(self.design, seed=seed, count=count)

    def fitted(self) -> np.ndarray:
        """Posterior mean of the KPI (G, T) without common weekly shocks."""
        return self._fitted

    @cached_property
    def _fitted(self) -> np.ndarray:
        total = self._cell_means[1].sum(axis=0)
        total.flags.writeable = False
        return np.asarray(total)

    @cached_property
    def _cell_means(self) -> tuple[tuple[str, ...], np.ndarray]:
        """The components and their posterior mean KPI in each cell (components, G, T).

        Of the same draws as every total, so that cells, periods and totals add up to one another.
        """
        geos, periods = self.design.y.shape
        cells = geos * periods
        labels, draws = np.arange(cells).reshape(geos, periods), self.draws.thin(REPORT_DRAWS)
        media, lines = np.zeros((cells, len(self.data.media_names))), np.zeros(0)
        names: tuple[str, ...] = ()
        for part in parts(draws, cells * len(self.design.media)):
            media += media_sums(self.design, part, self.design.media, labels, cells).sum(axis=0)
            names, linear = linear_sums(self.design, part, labels, cells)
            lines = lines + linear.sum(axis=0) if lines.size else linear.sum(axis=0)
        means = np.concatenate([media, lines], axis=1) / draws.count
        return self.data.media_names + names, means.T.reshape(-1, geos, periods)

    def to_bytes(self) -> bytes:
        """Everything in one file's content, without pickles, for callers that write files themselves.

        A re-weighted fit takes the sampled one behind it along, so that it can be carried further. Checks that are
        still to run are run first.
        """
        origin = self.lineage.origin if self.lineage else None
        record = archive.Record(
            engine=self.engine,
            engine_reason=self.engine_reason,
            decisions=self.decisions,
            experiments=self.experiments,
            checks=self.checks,
            findings=self.findings,
            seed=self.seed,
            path=self.lineage.path if self.lineage else None,
            reason=self.lineage.reason if self.lineage else "",
            origin=origin.to_bytes() if origin else None,
        )
        return archive.to_bytes(self.design, self.draws, record)

    def save(self, path: str | Path) -> Path:
        """Writes `to_bytes` to `path` (.npz is added when missing) and returns the path written; see `load`."""
        target = Path(path)
        if target.suffix != ".npz":
            target = target.with_name(target.name + ".npz")
        part = target.with_name(target.name + ".part")
        part.write_bytes(self.to_bytes())
        part.replace(target)
        return target

    def _cells(self, start: Date | None, end: Date | None, geos: Sequence[str] | None) -> np.ndarray:
        when = np.array([(start is None or d >= start) and (end is None or d <= end) for d in self.data.dates])
        where = np.ones(len(self.data.geos), dtype=bool) if geos is None else np.isin(self.data.geos, list(geos))
        if not when.any() or not where.any():
            raise MMMError(
                f"no data between {start} and {end} in {'all geos' if geos is None else list(geos)}: the window is"
                f" {self.data.dates[0]} to {self.data.dates[-1]}, geos {', '.join(self.data.geos)}"
            )
        return np.outer(where, when)

    def _sums(self, labels: np.ndarray, count: int) -> tuple[tuple[str, ...], np.ndarray]:
        draws = self.draws.thin(REPORT_DRAWS if count <= MANY_PERIODS else RANGE_DRAWS)
        media = media_sums(self.design, draws, self.design.media, labels, count)
        lines, linear = linear_sums(self.design, draws, labels, count)
        return self.data.media_names + lines, np.concatenate([media, linear], axis=2)


def contraction(fit: MMMFit) -> np.ndarray:
    """Share (C,) of the prior variance of each media effect that the data removed; near zero is mostly assumption."""
    return np.asarray(1 - fit.draws.effect.var(axis=0) / fit.design.effect.sd**2)


def load(path: str | Path) -> MMMFit:
    """The fit that `MMMFit.save` wrote.

    Raises FileNotFoundError where there is no file, and ValueError naming the file where it cannot be read: truncated,
    damaged, not a saved fit, or of another format.
    """
    return _from_bytes(archive.content_of(path), str(path))


def _from_bytes(content: bytes, file: str) -> MMMFit:
    design, draws, record = archive.from_bytes(content, file)
    lineage = None
    if record.path is not None:
        origin = _from_bytes(record.origin, f"{file}, its origin") if record.origin is not None else None
        lineage = Lineage(path=record.path, reason=record.reason, origin=origin)
    return MMMFit(
        design=design,
        draws=draws,
        engine=record.engine,
        engine_reason=record.engine_reason,
        decisions=record.decisions,
        experiments=record.experiments,
        checks=record.checks,
        known_findings=record.findings,
        seed=record.seed,
        lineage=lineage,
    )
