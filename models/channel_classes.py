"""Classes of channels: which class a channel belongs to, and the prior of its return that follows from it.

The figures stand in `models/channel_class_table.py`. Nothing here looks at data; a company's own evidence moves the
priors inside the models that take them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from models.channel_class_table import (
    CLAIM_SOURCES,
    CLAIM_TYPES,
    CLASSES,
    FOLLOWING_DEMAND,
    NO_EVIDENCE,
    UNKNOWN,
    VERSION,
    ChannelClass,
    ClaimBias,
    ClaimType,
)

__all__ = [
    "ALIASES", "CLAIM_SOURCES", "CLAIM_TYPES", "CLASSES", "COARSE", "FOLLOWING_DEMAND", "NO_EVIDENCE", "UNKNOWN",
    "UNSET_MARGIN", "UNSET_MARGIN_LOG_SD", "VERSION", "ChannelClass", "ClaimBias", "ClaimType", "ClassChoice",
    "class_of", "iroas_prior",
]  # fmt: skip
UNSET_MARGIN, UNSET_MARGIN_LOG_SD = 0.6, 0.35  # margins of the five kinds of company lie between .4 and .9

# Words that say too little: the classes that each may mean.
COARSE: Mapping[str, tuple[str, ...]] = {
    "search": ("brand_search", "generic_search", "shopping"),
    "paid_search": ("brand_search", "generic_search", "shopping"),
    "sem": ("brand_search", "generic_search", "shopping"),
    "ppc": ("brand_search", "generic_search", "shopping"),
    "social": ("prospecting_social", "b2b_social", "retargeting"),
    "paid_social": ("prospecting_social", "b2b_social", "retargeting"),
    "video": ("online_video", "ctv", "tv"),
    "owned": ("newsletter", "content_seo"),
    "affiliate": ("affiliate_coupon", "affiliate_content"),
    "affiliates": ("affiliate_coupon", "affiliate_content"),
    "ai": ("ai_organic", "ai_ads"),
    "offline": ("tv", "audio", "ooh", "events"),
}
# Other words for exactly one class.
ALIASES: Mapping[str, str] = {
    "branded_search": "brand_search", "search_brand": "brand_search", "nonbrand_search": "generic_search",
    "non_brand_search": "generic_search", "search_generic": "generic_search", "performance_max": "shopping",
    "pmax": "shopping", "remarketing": "retargeting", "linkedin": "b2b_social", "linear_tv": "tv",
    "television": "tv", "connected_tv": "ctv", "youtube": "online_video", "podcast": "audio", "radio": "audio",
    "out_of_home": "ooh", "programmatic": "display", "coupon": "affiliate_coupon", "cashback": "affiliate_coupon",
    "influencer": "creators", "influencers": "creators", "partner": "partners", "event": "events",
    "content": "content_seo", "email": "newsletter",
    "sms": "newsletter", "seo": "content_seo", "llm_ads": "ai_ads", "field_force": "detailing",
}  # fmt: skip

# What a name must hold (regular expressions on words joined by "_", all of a row) to tell its class; first row wins.
_SEARCH = r"_(search|sem|ppc|keywords?|adwords)_"
_NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("retargeting", (r"_(retarget(ing)?|remarketing|rlsa|rtg)_",)),
    ("ai_ads", (r"_(ai|llm|chatgpt|openai|perplexity|copilot)_", r"_(ads?|paid|sponsored)_")),
    ("ai_organic", (r"_(ai|llm|chatgpt|perplexity)_", r"_(organic|answers?|visibility|citations?|mentions?)_")),
    ("retail_media", (r"_(retail_media|amazon|walmart|instacart)_",)),
    ("shopping", (r"_(shopping|pmax|performance_max|pla|product_listing)_",)),
    ("generic_search", (_SEARCH, r"_(generic|non_?brand(ed)?|category|competitor)_")),
    ("brand_search", (_SEARCH, r"_brand(ed)?_")),
    ("sponsorship", (r"_sponsor(ed|ship|ships|ing)?_",)),
    ("affiliate_coupon", (r"_(coupons?|cashback|vouchers?|promo_codes?)_",)),
    ("affiliate_content", (r"_affiliates?_", r"_(content|reviews?|editorial|publishers?|blogs?)_")),
    ("review_sites", (r"_(review_sites?|review_portals?|g2|capterra|trustradius|comparison)_",)),
    ("creators", (r"_(creators?|influencers?)_",)),
    ("b2b_social", (r"_(linkedin|account_based|abm)_",)),
    ("prospecting_social", (r"_(meta|facebook|instagram|tiktok|pinterest|snap(chat)?|reddit|twitter|prospecting)_",)),
    ("ctv", (r"_(ctv|connected_tv|ott|bvod|roku|hulu|streaming_tv)_",)),
    ("dtc_tv", (r"_dtc_", r"_(tv|television)_")),
    ("online_video", (r"_(youtube|pre_?roll|demand_gen|online_video|olv)_",)),
    ("tv", (r"_(tv|television)_",)),
    ("audio", (r"_(audio|radio|podcasts?|spotify)_",)),
    ("ooh", (r"_(d?ooh|out_of_home|outdoor|billboards?|posters?|cinema)_",)),
    ("display", (r"_(display|banners?|programmatic|gdn)_",)),
    ("partners", (r"_(partners?|resellers?|marketplaces?|integrations?)_",)),
    ("events", (r"_(events?|fairs?|webinars?|conferences?|trade_shows?|meetups?)_",)),
    ("newsletter", (r"_(newsletters?|e_?mails?|mailings?|sms)_",)),
    ("content_seo", (r"_(seo|blog|docs|content|organic_search)_",)),
    ("detailing", (r"_(detailing|field_force|sales_reps?|medical_liaisons?|samples?)_",)),
)  # fmt: skip


@dataclass(frozen=True)
class ClassChoice:
    """The class of a channel and how it was come by.

    `reason`: "configured" (the settings name the class or an alias of it), "inferred" (the channel's name tells),
    "too_coarse" (a word for several classes, and the name does not tell which: class "unknown") or "unknown" (nothing
    tells). `options` are the classes to choose from where a word was too coarse.
    """

    name: str
    reason: Literal["configured", "inferred", "too_coarse", "unknown"]
    options: tuple[str, ...] = ()


def class_of(channel: str, configured: str | None) -> ClassChoice:
    """The class of a channel from what the settings call it and, where that says too little, from its name.

    A coarse word (search, social, video) is resolved only to one of the classes that it may mean. A word that is
    neither a class nor known as coarse leaves the choice to the name. Never raises.
    """
    word = _words(configured or "").strip("_")
    if word in CLASSES:
        return ClassChoice(word, "configured")
    if word in ALIASES:
        return ClassChoice(ALIASES[word], "configured")
    options = COARSE.get(word, ())
    named = _named(_words(f"{channel} {word}" if options else channel), options)
    if named is not None:
        return ClassChoice(named, "inferred")
    options = options or next((few for coarse, few in COARSE.items() if f"_{coarse}_" in _words(channel)), ())
    return ClassChoice(UNKNOWN, "too_coarse" if options else "unknown", options)


def iroas_prior(choice: ClassChoice | ChannelClass, margin: float | None) -> tuple[float, float]:
    """Median and log sd of the LogNormal prior of a channel's iROAS, in report currency per unit of spend.

    The class states r = margin x iROAS, so iROAS = r / margin. Without a margin, .6 is taken and the log sd is widened
    by .35 in quadrature, which covers margins from .34 to 1 with 90 %. Raises ValueError unless 0 < margin <= 1.
    """
    row = choice if isinstance(choice, ChannelClass) else CLASSES[choice.name]
    if margin is None:
        return row.return_median / UNSET_MARGIN, math.hypot(row.return_log_sd, UNSET_MARGIN_LOG_SD)
    if not 0 < margin <= 1:
        raise ValueError(f"margin={margin}: a contribution margin is a share above 0 and at most 1")
    return row.return_median / margin, row.return_log_sd


def _words(text: str) -> str:
    return f"_{re.sub(r'[^a-z0-9]+', '_', text.lower()).strip('_')}_"


def _named(name: str, options: Sequence[str]) -> str | None:
    """The class that a name tells; where `options` are given, the first of those that it tells."""
    for candidate, patterns in _NAMES:
        if (not options or candidate in options) and all(re.search(p, name) for p in patterns):
            return candidate
    return None
