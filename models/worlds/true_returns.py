"""What is true about a class of channels in a simulated company: return, carry-over, saturation, claims; one row each.

These are ranges to draw truths from, wider than the priors that the evidence model uses and kept apart from them: a benchmark
whose truths come from the model's own priors would be circular.
"""

# fmt: off
# ruff: noqa: E501 - one row per class: the numbers read as a table

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

LOWEST_RETURN = -0.3


@dataclass(frozen=True)
class TrueReturn:
    """How a class works. Returns are r = contribution margin x iROAS (1 = break-even, per unit of money spent).

    `low` to `high` bound r of a channel that works, `median` and `log_sd` say where it usually lies within them, `no_effect` is
    the probability that the channel does nothing or harm (then r lies between LOWEST_RETURN and .1). `half_life_weeks` (median,
    with its log sd) is the decay of the response; `marginal_share` the marginal return at usual spend over the average one.
    A platform's claim, also in r, is tracked x true return + harvest: `tracked` is the share of the effect that it sees, `harvest`
    the organic revenue that it credits to itself per unit spent, both medians with log sds. Both are None where nobody claims.
    """

    low: float
    high: float
    no_effect: float
    source: str
    median: float
    log_sd: float
    half_life_weeks: float
    half_life_log_sd: float
    marginal_share: float
    tracked: float | None = None
    tracked_log_sd: float = 0.35
    harvest: float | None = None
    harvest_log_sd: float = 1.0
    follows_demand: float = 0.0


_EBAY = "Blake, Nosko, Tadelis 2015 (no measurable benefit at eBay); Simonov, Nosko, Rao 2018 (defence against rivals can pay)"
_GEO_225 = "225 geo tests of one vendor, 2025: median iROAS 2.31 over all channels, quartiles 1.36 and 3.24"
_BRITAIN = "Profit Ability 2, 2024: 141 British brands, profit per pound within 13 weeks"
_NONE = "no public experiment: reasoning from neighbouring classes"

TRUE_RETURNS: Mapping[str, TrueReturn] = MappingProxyType({
    #                                   low  high  none  source                                                       median log sd weeks  sd  marginal  seen  sd  harvest  sd  demand
    "brand_search":       TrueReturn(.00, 1.30, .30, _EBAY,                                                        .45, 1.10, .15, .6, .40, .90, .35, 3.0, .6, 4.0),
    "generic_search":     TrueReturn(.15, 3.00, .08, f"{_BRITAIN}: 2.29; Blake et al.: negative for loyal buyers",    1.00, .75, .30, .6, .60, .85, .35, .45, .8, 0.8),
    "shopping":           TrueReturn(.15, 3.00, .08, f"{_GEO_225}; Performance Max above standard shopping",          1.00, .75, .25, .6, .65, .85, .35, .70, .7, 1.0),
    "retargeting":        TrueReturn(.00, .90, .25, "Johnson, Lewis, Nubbemeyer 2017: +10.5 % purchases; Sahni et al. 2019", .50, 1.00, .20, .6, .35, .80, .35, 1.6, .8, 3.0),
    "prospecting_social": TrueReturn(.15, 3.00, .08, "Gordon et al. 2022: 663 experiments, lift 28, 19 and 6 % down the funnel", 1.10, .75, .70, .6, .70, .65, .50, .25, 1.1, 0.4),
    "b2b_social":         TrueReturn(.05, 3.00, .12, "attribution benchmarks of 70 software firms only, no experiment",  .90, .95, 1.2, .7, .65, .30, .35, .15, 1.0),
    "tv":                 TrueReturn(.00, 3.00, .20, "Shapiro, Hitsch, Tuchman 2021: one third of 288 brands earn their money back", .75, 1.10, 2.5, .6, .65),
    "dtc_tv":             TrueReturn(.00, 3.00, .20, "Shapiro 2018; Sinkinson, Starc 2015: television to patients also sells rivals",  .80, 1.05, 4.0, .7, .65),
    "ctv":                TrueReturn(.05, 3.00, .12, f"{_BRITAIN}: broadcaster video 1.66",                          .90, .95, 1.5, .6, .70, .50, .35, .60, 1.0),
    "online_video":       TrueReturn(.05, 3.00, .12, f"{_BRITAIN}: 1.76; 190 tests: true return 3.4 x the claim",      .90, .85, 1.3, .6, .70, .25, .35, .08, 1.0),
    "audio":              TrueReturn(.05, 3.50, .12, f"{_BRITAIN}: 2.47",                                            1.10, .95, 1.3, .6, .70, .20, .35, .05, 1.0),
    "ooh":                TrueReturn(.00, 2.50, .20, f"{_BRITAIN}: 1.19",                                            .60, .95, 1.2, .7, .70),
    "display":            TrueReturn(.00, 2.00, .25, "Johnson, Lewis, Nubbemeyer 2016: 432 experiments, +8 % conversions", .50, 1.10, .30, .7, .50, .25, .35, .35, 1.0, 1.5),
    "affiliate_coupon":   TrueReturn(.00, 1.20, .40, "on/off test in 8 countries, 2023: no change in revenue over 7 weeks", .25, 1.15, .10, .5, .60, .90, .35, 3.0, .7, 2.0),
    "affiliate_content":  TrueReturn(.10, 3.00, .10, _NONE,                                                          1.20, .90, .50, .7, .75, .80, .35, .80, .8, 0.5),
    "creators":           TrueReturn(.05, 3.50, .12, "220 campaigns: short-term index 99 of all media, many outliers",   .95, 1.15, 1.2, .8, .70, .25, .35, .10, 1.0),
    "partners":           TrueReturn(.10, 4.00, .10, _NONE,                                                          1.30, 1.15, 4.0, .8, .75, .50, .35, .60, 1.0),
    "events":             TrueReturn(.05, 3.50, .12, _NONE,                                                          .90, 1.15, 3.0, .8, .65, .50, .35, .60, 1.0),
    "newsletter":         TrueReturn(.30, 8.00, .05, "cheap to send; claims are 2 to 4 x the incremental sales (practitioners)", 3.00, 1.00, .30, .5, .50, .90, .35, 5.0, .6, 0.5),
    "sponsorship":        TrueReturn(.00, 3.00, .15, _NONE,                                                          .90, 1.05, .80, .7, .70, .25, .35, .10, 1.0),
    "content_seo":        TrueReturn(.05, 4.00, .15, _NONE,                                                          1.20, 1.30, 12., .8, .70, .60, .35, .60, 1.0),
    "ai_organic":         TrueReturn(.00, 4.00, .30, "Kaiser, Schulze 2026: 973 shops, descriptive only",               .80, 1.40, 6.0, 1., .80, .30, .35, .10, 1.0),
    "ai_ads":             TrueReturn(.00, 3.00, .20, _NONE,                                                          .80, 1.15, .40, .7, .85, .50, .35, .30, 1.0),
    "review_sites":       TrueReturn(.00, 3.00, .20, _NONE,                                                          .80, 1.15, 2.0, .8, .55, .70, .35, 1.0, .8, 1.5),
    "retail_media":       TrueReturn(.00, 2.00, .20, "late in the funnel; no public experiment by class",               .60, 1.05, .20, .6, .50, .80, .35, 1.2, .8, 2.0),
    "detailing":          TrueReturn(.00, 3.50, .15, "Fischer, Albers 2010: elasticity .05 short, .28 long, 86 categories", 1.20, 1.05, 8.0, .7, .55),
})
