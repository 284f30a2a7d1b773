"""The model card: one page in markdown on a fit, its basis and its limits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from models.mmm.model.effect_prior import LOG_LINK
from models.mmm.result.evidence_tiers import evidence_tiers
from models.mmm.result.fit import MMMFit
from models.mmm.result.frequency import optimal_frequency
from models.mmm.result.mediation import mediation
from models.mmm.spec import MMMSpec
from models.normal_quantile import half_width

BASIS = {
    "iroas": "iROAS",
    "share": "share of the KPI",
    "signed": "iROAS, may be negative",
    "mroas": "iROAS, as implied by the marginal return",
    "coefficient": "iROAS, as implied by the coefficient",
}
SAFE = str.maketrans({**{sign: "\\" + sign for sign in "\\|`*_[]#"}, "<": "&lt;", ">": "&gt;"})


def model_card(fit: MMMFit) -> str:
    """Markdown of one fit: data, specification, priors, engine, choices, gates, numbers with tiers, warnings, limits.

    Every number on it is in a table of the fit; it holds no personal data. Intervals are 90 % parameter intervals.
    """
    verdict = "Converged." if fit.converged else "**Not converged: no number on this page may be used.**"
    parts = (
        "# Model card: media mix model",
        verdict,
        "## Data",
        _data(fit),
        "## Specification",
        _specification(fit),
        "## Priors",
        _priors(fit),
        "## Engine and choices",
        _engine(fit),
        "## Gates",
        _gates(fit),
        "## Numbers and what they rest on",
        _numbers(fit),
        "## Closure",
        _closure(fit),
        "## Warnings",
        _warnings(fit),
        "## What this model does not know",
        _unknown(fit),
    )
    return "\n\n".join(parts) + "\n"


def _data(fit: MMMFit) -> str:
    data = fit.data
    unit = (
        "money" if data.kpi_unit == "revenue" else f"units worth {data.value_per_kpi or 'an unknown amount of'} money"
    )
    spend = data.spend.sum(axis=(0, 1))
    lines = [
        f"- {len(data.dates)} {data.grain}s from {data.dates[0]} to {data.dates[-1]}, {len(data.geos)} region(s)",
        f"- KPI {_text(data.kpi_name)}: {data.kpi.sum():,.0f} in total, in {unit}",
        "- paid: " + ", ".join(f"{_text(c)} ({s:,.0f})" for c, s in zip(data.channels, spend, strict=True)),
    ]
    if data.organic:
        lines.append("- without spend: " + ", ".join(map(_text, data.organic)))
    for one in fit.design.latent:
        lines.append(
            f"- {_text(data.media_names[one.channel])} is an estimate: {one.reliability:.0%} of the variance of its"
            " readings is true variation, the rest is measurement error and was removed"
        )
    reached = [c for c, own in zip(data.media_names, data.by_frequency, strict=True) if own]
    if reached:
        lines.append(f"- reach with frequency: {', '.join(map(_text, reached))}")
    if data.mediator_names:
        lines.append(f"- mediators: {', '.join(map(_text, data.mediator_names))}")
    for name, role in zip(data.control_names, data.control_roles, strict=True):
        lines.append(f"- control {_text(name)}: {role}")
    for name, value in zip(data.treatment_names, data.treatment_baselines, strict=True):
        lines.append(f"- treatment {_text(name)}: the value {value:g} counts as no treatment")
    return "\n".join(lines)


def _specification(fit: MMMFit) -> str:
    form, spec = fit.design.form, fit.spec
    order = "carryover, then saturation" if spec.order == "adstock_first" else "saturation, then carryover"
    delayed = [c for c, own in zip(fit.data.media_names, fit.design.delayed | fit.design.peaked, strict=True) if own]
    sloped = [c for c, own in zip(fit.data.media_names, fit.design.sloped, strict=True) if own]
    lines = [
        f"- response: {form.adstock} carryover over {form.taps} {fit.data.grain}s, {form.saturation} curve ({order})",
        f"- delay of its own: {', '.join(map(_text, delayed)) or 'no channel'};"
        f" slope of its own: {', '.join(map(_text, sloped)) or 'no channel'}",
        f"- baseline: {len(fit.design.baseline.names)} columns, groups {', '.join(fit.design.baseline.groups)}",
        f"- regions differ in their effects: {'yes' if fit.design.geo_effects else 'no'};"
        f" common shocks: {'yes' if fit.design.week_effects else 'no'}",
    ]
    usual = MMMSpec()
    changed = {
        name: value
        for name, value in spec.model_dump(mode="json").items()
        if name not in ("channels", "sampling") and getattr(spec, name) != getattr(usual, name)
    }
    lines.append("- set by the analyst: " + (", ".join(f"{k} = {v}" for k, v in changed.items()) or "nothing"))
    return "\n".join(lines)


def _priors(fit: MMMFit) -> str:
    effect, data = fit.design.effect, fit.data
    rows = []
    kpi = float(np.abs(data.kpi).sum()) / (fit.design.scales.kpi * data.kpi.size)
    for c, name in enumerate(data.media_names):
        paid = c < len(data.channels)
        scale = effect.scale_to_iroas[c] if paid and effect.basis[c] != "share" else 1 / kpi
        ends = effect.mu[c] + half_width(0.90) * np.array([-1.0, 0.0, 1.0]) * effect.sd[c]
        low, middle, high = (np.exp(ends) if effect.kind[c] == LOG_LINK else ends) * scale
        own = "analyst" if fit.spec.stated(name) else "class" if name in fit.spec.channels else "default"
        rows.append((_text(name), BASIS[effect.basis[c]], f"{middle:.3g}", f"{low:.3g} to {high:.3g}", own))
    return _table(("channel", "prior of", "median", "90 % interval", "set by"), rows)


def _engine(fit: MMMFit) -> str:
    lines = [f"- {fit.engine}: {_text(fit.engine_reason)}", f"- seed {fit.seed}"]
    lines += [f"- {_text(d)}" for d in fit.decisions]
    if fit.uses_experiments:
        names = ", ".join(_text(e.name) for e in fit.experiments)
        lines.append(f"- experiments inside the likelihood: {names}. Do not combine this fit with them again.")
    return "\n".join(lines)


def _gates(fit: MMMFit) -> str:
    checks = fit.diagnostics()
    worst = checks.sort("r_hat", descending=True).row(0, named=True)
    rows = [
        ("R-hat", "at most 1.01", f"{worst['r_hat']:.4f}", _text(worst["quantity"])),
        *(
            (
                f"effective draws, {part}",
                "at least 400",
                f"{checks[column].to_numpy().min():,.0f}",
                _text(checks.sort(column).row(0, named=True)["quantity"]),
            )
            for part, column in (("bulk", "ess_bulk"), ("tail", "ess_tail"))
        ),
    ]
    return _table(("gate", "threshold", "worst", "quantity"), rows)


def _numbers(fit: MMMFit) -> str:
    tiers = {row["channel"]: row for row in evidence_tiers(fit).iter_rows(named=True)}
    totals = {row["channel"]: row for row in fit.totals().iter_rows(named=True)}
    roas = {row["channel"]: row for row in fit.roas().iter_rows(named=True)}
    rows = []
    for name in fit.data.media_names:
        total, back, tier = totals[name], roas.get(name), tiers[name]
        returns = f"{back['mean']:.2f} ({back['q05']:.2f} to {back['q95']:.2f})" if back else "no spend"
        kpi = f"{total['mean']:,.0f} ({total['q05']:,.0f} to {total['q95']:,.0f})"
        rows.append(
            (_text(name), kpi, returns, tier["tier"], f"{max(tier['contraction'], 0):.0%}", _text(tier["reason"]))
        )
    text = _table(("channel", "incremental KPI", "iROAS", "tier", "learned from data", "reason"), rows)
    if fit.data.mediator_names:
        paths = mediation(fit)
        text += "\n\nBy path:\n\n" + _table(
            ("channel", "path", "incremental KPI"),
            [
                (_text(r["channel"]), _text(r["path"]), f"{r['mean']:,.0f} ({r['q05']:,.0f} to {r['q95']:,.0f})")
                for r in paths.iter_rows(named=True)
            ],
        )
    best = optimal_frequency(fit)
    if best.height:
        text += "\n\nExposures per person reached:\n\n" + _table(
            ("channel", "now", "best", "effect at best"),
            [
                (
                    _text(r["channel"]),
                    f"{r['now']:.1f}",
                    f"{r['q50']:.1f} ({r['q05']:.1f} to {r['q95']:.1f})",
                    f"{r['gain'] - 1:+.0%}",
                )
                for r in best.iter_rows(named=True)
            ],
        )
    return text


def _closure(fit: MMMFit) -> str:
    observed = float(fit.data.kpi.sum())
    rows = [(_text(line), f"{total:,.0f}", f"{total / observed:.1%}") for line, total in fit.closure().iter_rows()]
    return _table(("line", "KPI", "of observed"), rows)


def _warnings(fit: MMMFit) -> str:
    warnings = fit.warnings()
    if not warnings:
        return "None."
    rows = [(w.severity, w.code, _text(w.subject), _text(w.message), _text(w.action)) for w in warnings]
    return _table(("severity", "code", "subject", "finding", "action"), rows)


def _unknown(fit: MMMFit) -> str:
    tested = {c for e in fit.experiments for c in e.channels}
    untested = [c for c in fit.data.channels if c not in tested]
    lines = []
    if untested:
        lines.append(
            f"- Whether unrecorded demand moved both sales and the spend of {', '.join(map(_text, untested))}: this fit"
            " holds no test of them."
        )
    curves = fit.curves(points=3, draws=50).filter(~pl.col("observed_range"))
    if curves.height:
        lines.append("- What happens far above the spend observed so far: the curve is extrapolated there.")
    learned = evidence_tiers(fit).filter(pl.col("tier") == "prior-dominated")["channel"].to_list()
    if learned:
        lines.append(f"- {', '.join(map(_text, learned))}: these numbers are mostly the priors above.")
    lines += [
        "- Whether an effect changed within the window: each channel has one response for all of it.",
        "- Whether channels reinforce each other: effects are added up.",
        "- Effects that last longer than the carryover window, such as brand building over years.",
    ]
    if fit.data.media_se is not None and fit.draws.latent is None:
        lines.append(
            "- How much the remaining error of a measured series widens its interval: its expected value was used."
        )
    if fit.data.mediator_names:
        lines.append(
            "- Whether something unrecorded moves the mediators and sales together: the split by path assumes that"
            " nothing does."
        )
    return "\n".join(lines)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _text(value: object) -> str:
    """A name escaped for a markdown table: names come from exports and may contain any character."""
    return " ".join(str(value).split()).translate(SAFE)
