"""The rows of the channel classes: what is published, or proposed, on return, carry-over and claims per class.

Data only. Which class a channel has and how a prior is taken from a row stands in `models/channel_classes.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

VERSION = "2026.11"
ClaimType = Literal["click", "view", "last_click", "data_driven", "self_reported"]
CLAIM_TYPES: tuple[ClaimType, ...] = ("click", "view", "last_click", "data_driven", "self_reported")
UNKNOWN = "unknown"
FOLLOWING_DEMAND = frozenset({"brand_search", "retargeting", "display", "affiliate_coupon"})
NO_EVIDENCE = "none"  # grade of a figure without public evidence: reports print "no public evidence"


@dataclass(frozen=True)
class ClaimBias:
    """How far a claim lies above the true return: log(claim / true) ~ Normal(`mean`, `sd`), with its grade."""

    mean: float
    sd: float
    grade: str

    def __post_init__(self) -> None:
        if not self.sd > 0:
            raise ValueError(f"sd={self.sd} of a claim's log bias: it must be above zero")


@dataclass(frozen=True)
class ChannelClass:
    """What is known of a channel of this class before a company's own data are seen.

    The return is r = contribution margin x iROAS, the profit that one unit of spend brings back within 13 weeks at
    current spend: LogNormal with median `return_median` and `return_log_sd`, and a chance of `no_effect` that it is
    zero. The half-life is LogNormal around `half_life_weeks`. `marginal_share` is the return of the next unit over the
    average one. A claim in r units is `tracked` x r + `harvest`, the second being organic revenue credited to the
    channel, LogNormal around `harvest` with `harvest_log_sd`; None where no figure is published. `claims` holds the
    same in log form, per type of claim that exists for the class. Grades: A randomised or quasi-experimental and many
    advertisers, B experiments of a vendor or a large databank, C one case or reasoning, none without public evidence.
    """

    name: str
    no_effect: float
    return_median: float
    return_log_sd: float
    half_life_weeks: float
    half_life_log_sd: float
    marginal_share: float
    grade_return: str
    grade_half_life: str
    source: str
    tracked: float | None = None
    harvest: float | None = None
    harvest_log_sd: float | None = None
    claims: Mapping[str, ClaimBias] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.no_effect < 1:
            raise ValueError(f"no_effect={self.no_effect} of class {self.name}: a probability below 1")
        positive = ("return_median", "return_log_sd", "half_life_weeks", "half_life_log_sd", "marginal_share")
        for column in positive:
            if not getattr(self, column) > 0:
                raise ValueError(f"{column}={getattr(self, column)} of class {self.name}: it must be above zero")

    @property
    def follows_demand(self) -> bool:
        """Whether its spend rises where people want to buy anyway, so that a model credits it with demand."""
        return self.name in FOLLOWING_DEMAND


# In the order of the fields of ChannelClass, claims apart: reads as a table. Chance of no effect, median and log sd of
# the return, median and log sd of the half-life in weeks, marginal share, grades of return and half-life, source.
_ROWS = (
    ChannelClass(
        "brand_search", 0.3, 0.45, 0.9, 0.15, 0.6, 0.4, "A-", "C",
        "Blake, Nosko, Tadelis 2015; Simonov, Nosko, Rao 2018; Haus brand search tests 2024; Stella geo tests 2025;"
        " Chan et al. 2011",
        0.9, 3.0, 0.6,
    ),
    ChannelClass(
        "generic_search", 0.08, 1.0, 0.55, 0.3, 0.6, 0.6, "B", "C",
        "Blake, Nosko, Tadelis 2015; Stella geo tests 2025; Golden, Horton 2018; Profit Ability 2, 2024",
        0.85, 0.45, 0.8,
    ),
    ChannelClass(
        "shopping", 0.08, 1.0, 0.55, 0.25, 0.6, 0.65, "B-", "C",
        "Stella geo tests 2025",
        0.85, 0.7, 0.7,
    ),
    ChannelClass(
        "retargeting", 0.25, 0.5, 0.8, 0.2, 0.6, 0.35, "B", "A-",
        "Johnson, Lewis, Nubbemeyer 2017; Sahni, Narayanan, Kalyanam 2019",
        0.8, 1.6, 0.8,
    ),
    ChannelClass(
        "prospecting_social", 0.08, 1.1, 0.55, 0.7, 0.6, 0.7, "A-", "C",
        "Gordon, Moakler, Zettelmeyer 2022; Stella geo tests 2025; Profit Ability 2, 2024",
        0.65, 0.25, 0.9,
    ),
    ChannelClass(
        "b2b_social", 0.12, 0.9, 0.75, 1.2, 0.7, 0.65, "C", "C",
        "HockeyStack LinkedIn benchmarks 2023 (attribution); reasoning",
        0.3, 0.15, 1.0,
    ),
    ChannelClass(
        "tv", 0.2, 0.75, 0.8, 2.5, 0.6, 0.65, "A", "B",
        "Shapiro, Hitsch, Tuchman 2021 for the spread; its level disagrees with Profit Ability 2, 2024; NCS 2016",
    ),
    ChannelClass(
        "dtc_tv", 0.2, 0.8, 0.8, 4.0, 0.7, 0.65, "B", "C",
        "Shapiro, Hitsch, Tuchman 2021; Shapiro 2018; Sinkinson, Starc 2015; Fischer, Albers 2010",
    ),
    ChannelClass(
        "ctv", 0.12, 0.9, 0.75, 1.5, 0.6, 0.7, "B-", "C",
        "Stella geo tests 2025; Profit Ability 2, 2024",
        0.5, 0.6, 1.0,
    ),
    ChannelClass(
        "online_video", 0.12, 0.9, 0.65, 1.3, 0.6, 0.7, "B-", "C",
        "Stella geo tests 2025; Profit Ability 2, 2024; Haus YouTube tests 2026",
        0.25, 0.08, 1.0,
    ),
    ChannelClass(
        "audio", 0.12, 1.1, 0.75, 1.3, 0.6, 0.7, "C+", "C",
        "Profit Ability 2, 2024; Podscribe",
        0.2, 0.05, 1.0,
    ),
    ChannelClass(
        "ooh", 0.2, 0.6, 0.75, 1.2, 0.7, 0.7, "C", "C",
        "Profit Ability 2, 2024",
    ),
    ChannelClass(
        "display", 0.25, 0.5, 0.85, 0.3, 0.7, 0.5, "B+", "A-",
        "Johnson, Lewis, Nubbemeyer 2017 (432 tests); Lewis, Reiley 2014; Profit Ability 2, 2024",
        0.25, 0.35, 1.0,
    ),
    ChannelClass(
        "affiliate_coupon", 0.4, 0.25, 0.9, 0.1, 0.5, 0.6, "B-", "C",
        "Haus affiliate on/off test 2023",
        0.9, 3.0, 0.7,
    ),
    ChannelClass(
        "affiliate_content", 0.1, 1.2, 0.7, 0.5, 0.7, 0.75, "C", "C",
        "reasoning",
        0.8, 0.8, 0.8,
    ),
    ChannelClass(
        "creators", 0.12, 0.95, 0.9, 1.2, 0.8, 0.7, "B-", "C",
        "IPA influencer databank 2025",
        0.25, 0.1, 1.0,
    ),
    ChannelClass(
        "partners", 0.1, 1.3, 0.9, 4.0, 0.8, 0.75, "none", "none",
        "reasoning",
    ),
    ChannelClass(
        "events", 0.12, 0.9, 0.9, 3.0, 0.8, 0.65, "none", "none",
        "reasoning",
        0.5, 0.6, 1.0,
    ),
    ChannelClass(
        "newsletter", 0.05, 3.0, 0.8, 0.3, 0.5, 0.5, "C", "C",
        "reasoning: it costs little; practitioners' reports",
        0.9, 5.0, 0.6,
    ),
    ChannelClass(
        "sponsorship", 0.15, 0.9, 0.8, 0.8, 0.7, 0.7, "none", "none",
        "as audio",
    ),
    ChannelClass(
        "content_seo", 0.15, 1.2, 1.0, 12.0, 0.8, 0.7, "none", "none",
        "reasoning, at loaded cost",
    ),
    ChannelClass(
        "ai_organic", 0.3, 0.8, 1.1, 6.0, 1.0, 0.8, "none", "none",
        "Kaiser, Schulze 2025 (descriptive only), at loaded cost",
    ),
    ChannelClass(
        "ai_ads", 0.2, 0.8, 0.9, 0.4, 0.7, 0.85, "none", "none",
        "a new channel: reasoning",
        0.5, 0.3, 1.0,
    ),
    ChannelClass(
        "review_sites", 0.2, 0.8, 0.9, 2.0, 0.8, 0.55, "none", "none",
        "late in the funnel, between retargeting and content: reasoning",
    ),
    ChannelClass(
        "retail_media", 0.2, 0.6, 0.8, 0.2, 0.6, 0.5, "C", "C",
        "late in the funnel: reasoning",
    ),
    ChannelClass(
        "detailing", 0.15, 1.2, 0.8, 8.0, 0.7, 0.55, "B", "B",
        "Fischer, Albers 2010; Leeflang, Wieringa 2010; Kremer et al. 2008",
    ),
    ChannelClass(
        "unknown", 0.15, 0.85, 0.9, 1.0, 0.8, 0.6, "none", "none",
        "wide enough for any class of this table",
    ),
)  # fmt: skip

# Mean and sd of log(claim / true) per type of claim, in the order of CLAIM_TYPES; None: no such claim exists.
_CLAIMS: Mapping[str, tuple[tuple[float, float] | None, ...]] = {
    "brand_search": ((2.2, 1.0), None, (2.1, 1.0), (1.8, 1.0), (0.5, 1.0)),
    "generic_search": ((0.4, 0.5), None, (0.3, 0.5), (0.25, 0.5), (0.3, 0.9)),
    "shopping": ((0.55, 0.6), None, (0.35, 0.6), (0.3, 0.6), (-0.2, 1.0)),
    "retargeting": ((1.0, 0.9), (1.7, 0.95), (0.9, 0.9), (0.8, 0.9), (-1.5, 1.0)),
    "prospecting_social": ((-0.15, 0.7), (0.25, 0.7), (-0.6, 0.7), (-0.5, 0.7), (-0.1, 0.7)),
    "b2b_social": ((-0.6, 0.8), (0.2, 0.9), (-1.3, 0.9), (-1.0, 0.9), (-0.3, 0.9)),
    "tv": (None, (0.3, 1.0), None, None, (-0.4, 1.0)),
    "dtc_tv": (None, (0.3, 1.0), None, None, (-0.4, 1.0)),
    "ctv": ((-1.0, 1.0), (0.5, 0.9), (-1.8, 1.0), (-1.5, 1.0), (-0.4, 1.0)),
    "online_video": ((-1.2, 0.6), (-0.5, 0.8), (-2.0, 0.9), (-1.3, 0.8), (-0.5, 0.9)),
    "audio": ((-1.3, 0.6), (0.1, 0.8), (-1.8, 0.9), None, (-0.1, 0.7)),
    "ooh": (None, None, None, None, (-0.7, 1.0)),
    "display": ((-1.2, 0.8), (1.2, 1.0), (-1.2, 0.9), (-0.8, 0.9), (-2.0, 1.0)),
    "affiliate_coupon": ((2.3, 1.1), None, (2.1, 1.1), (1.6, 1.1), (-1.0, 1.0)),
    "affiliate_content": ((0.55, 0.7), None, (0.4, 0.7), (0.3, 0.7), (0.0, 1.0)),
    "creators": ((-1.4, 0.7), None, (-1.6, 0.9), None, (-0.2, 0.7)),
    "partners": ((0.4, 0.9), (1.6, 0.9), (-1.5, 1.0), None, (-0.2, 0.9)),
    "events": ((0.4, 0.9), (1.6, 0.9), (-1.5, 1.0), None, (-0.2, 0.9)),
    "newsletter": ((1.1, 0.7), (1.8, 0.8), (0.7, 0.7), (0.5, 0.7), (-1.0, 1.0)),
    "sponsorship": ((-1.3, 0.6), (0.1, 0.8), (-1.8, 0.9), None, (-0.1, 0.7)),
    "ai_organic": (None, None, (-1.0, 1.0), None, (-0.2, 1.0)),
    "ai_ads": ((0.15, 0.9), None, (-0.5, 0.9), None, (-0.2, 1.0)),
    "review_sites": ((0.8, 0.9), (1.2, 0.9), (0.6, 0.9), (0.5, 0.9), None),
    "retail_media": ((0.8, 0.9), (1.2, 0.9), (0.6, 0.9), (0.5, 0.9), None),
    "unknown": ((0.5, 1.0), (0.5, 1.0), (0.5, 1.0), (0.5, 1.0), (0.0, 1.0)),
}  # fmt: skip

# Where the biases of a type of claim come from. Data-driven attribution and self-reports have never been set against
# experiments in public: their figures are proposals.
CLAIM_SOURCES: Mapping[str, str] = {
    "click": "Haus, 640 Meta and 190 YouTube tests 2026; Gordon, Moakler, Zettelmeyer 2023;"
    " Stella geo tests 2025; Golden, Horton 2018",
    "view": "Johnson, Lewis, Nubbemeyer 2017; Gordon, Moakler, Zettelmeyer 2022 (bounds of view-through claims)",
    "last_click": "Meta 2025 (307 studies); Haus affiliate on/off test 2023; practitioners' reports",
    "data_driven": "no public evidence",
    "self_reported": "no public evidence",
}  # fmt: skip
_CLICK_GRADES = {
    "prospecting_social": "A-", "online_video": "B", "brand_search": "B", "generic_search": "B", "retargeting": "B",
    "affiliate_coupon": "B",
}  # fmt: skip


def _grade(name: str, claim_type: str) -> str:
    if name == UNKNOWN or claim_type in ("data_driven", "self_reported"):
        return NO_EVIDENCE
    if claim_type == "click":
        return _CLICK_GRADES.get(name, "C")
    return "B" if (name, claim_type) == ("prospecting_social", "last_click") else "C"


def _claims(name: str) -> dict[str, ClaimBias]:
    biases = _CLAIMS.get(name, (None,) * len(CLAIM_TYPES))
    return {
        claim_type: ClaimBias(*bias, _grade(name, claim_type))
        for claim_type, bias in zip(CLAIM_TYPES, biases, strict=True)
        if bias is not None
    }


CLASSES: Mapping[str, ChannelClass] = {row.name: replace(row, claims=_claims(row.name)) for row in _ROWS}
