"""The scenarios as data: an otherwise easy panel with one violated modelling assumption each."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Recipe:
    """A weekly national panel of four channels; every default is the easy choice.

    `shared_budget` is the share of budget movement common to all channels. `delayed` lets effects peak two to
    three weeks after the spend. `slope` > 1 makes the response S-shaped. `recorded_spikes` weeks per channel
    carry eight times the spend that really ran. `demand_in_*` couple a latent demand wave to spend and revenue
    (log scale), `demand_measured` exports a noisy measure of it. `sales_in_spend` makes budgets follow last
    week's unexplained sales. `break_step` and `break_slope` change level and yearly growth at mid-window.
    `odd_season` adds a sharp peak whose date moves from year to year. `signs` reverses the sign of a channel's effect.
    `controls` counts exported controls, of which two have an effect. `noise_df` is the Student degrees of
    freedom of the noise. `drift` moves every effect by up to this share over the window. `synergy` multiplies
    the product of the first two channels' effects. `dark` is the share of weeks in which a channel is off, in flights
    of its own: such data identify a channel's total effect, which otherwise depends on the assumed curve.
    """

    summary: str
    weeks: int = 156
    shared_budget: float = 0.15
    delayed: bool = False
    slope: float = 1.0
    recorded_spikes: int = 0
    demand_in_spend: float = 0.0
    demand_in_revenue: float = 0.0
    demand_measured: bool = False
    sales_in_spend: float = 0.0
    break_step: float = 0.0
    break_slope: float = 0.0
    odd_season: float = 0.0
    signs: tuple[int, int, int, int] = (1, 1, 1, 1)
    controls: int = 2
    noise_df: float | None = None
    noise_sd: float = 0.03
    drift: float = 0.0
    synergy: float = 0.0
    dark: float = 0.0

    def __post_init__(self) -> None:
        if self.weeks < 52 or self.controls < 2:
            raise ValueError(f"weeks={self.weeks}, controls={self.controls}: need at least 52 weeks and 2 controls")
        if not 0 <= self.shared_budget <= 1 or not -1 < self.drift < 1:
            raise ValueError(f"shared_budget={self.shared_budget} must lie in 0..1 and drift={self.drift} in -1..1")
        if not 0 <= self.dark < 1:
            raise ValueError(f"dark={self.dark} must lie in 0..1 and leave some weeks with media")


CLEAN = Recipe("Everything as a textbook model assumes")
_CONFOUNDED = replace(CLEAN, demand_in_spend=1.6, demand_in_revenue=0.35)
RECIPES = {
    "clean": CLEAN,
    "multicollinearity": replace(CLEAN, summary="All budgets move together", shared_budget=0.96),
    "adstock_misspec": replace(CLEAN, summary="Effects peak weeks after the spend", delayed=True),
    "saturation_misspec": replace(CLEAN, summary="The response is S-shaped", slope=2.5),
    "spend_outliers": replace(CLEAN, summary="A few weeks carry eight times the spend that ran", recorded_spikes=3),
    "unobserved_confounding": replace(_CONFOUNDED, summary="Unmeasured demand raises spend and sales"),
    "confounding_controlled": replace(_CONFOUNDED, summary="Demand raises both and is measured", demand_measured=True),
    "reverse_causality": replace(CLEAN, summary="Budgets follow last week's sales", sales_in_spend=0.9),
    "trend_break": replace(CLEAN, summary="Level and growth break at mid-window", break_step=-0.12, break_slope=0.12),
    "seasonality_misspec": replace(CLEAN, summary="A sharp peak moves from year to year", odd_season=0.35),
    "negative_effect": replace(CLEAN, summary="One channel takes sales away", signs=(1, 1, 1, -1)),
    "dense_controls": replace(CLEAN, summary="Many controls, few of them matter", controls=16),
    "heavy_tailed_noise": replace(CLEAN, summary="Noise with rare large shocks", noise_df=2.5),
    "time_varying_beta": replace(CLEAN, summary="Effects fade over the years", drift=-0.5),
    "synergy": replace(CLEAN, summary="Two channels work better together", synergy=0.8),
    "weak_signal": replace(CLEAN, summary="Noise three times as large", noise_sd=0.09),
    "everything_at_once": replace(
        _CONFOUNDED,
        summary="Confounding, shared budgets, delay, break, shocks and drift together",
        shared_budget=0.6,
        delayed=True,
        break_step=-0.08,
        noise_df=3.0,
        drift=-0.3,
        synergy=0.5,
    ),
    "flighted": replace(CLEAN, summary="Everything as assumed, and every channel pauses now and then", dark=0.4),
}
