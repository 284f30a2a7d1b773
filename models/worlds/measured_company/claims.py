"""What platforms, click streams and customers claim for each channel, under one of five laws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.worlds.measured_company.circumstances import ClaimLaw
from models.worlds.measured_company.truths import CLASS_SHIFT, WIDER
from models.worlds.true_returns import TRUE_RETURNS

PLATFORM_SD, TYPE_SD, COMPANY_SD = 0.30, 0.25, 0.20
MOST_TRACKED = 1.3  # share of the effect that a platform can see; above 1 it counts a sale twice
SMALLEST = 0.03  # iROAS below which a multiplicative claim no longer follows the truth
FLAT, FLAT_SD = 0.5, 0.45  # log factor 1.65 for every channel
WILD, WILD_SD = 0.4, 1.0


@dataclass(frozen=True)
class ClaimTruth:
    """Claims of one class: main claim type and platform; multiplicative law log bias `bias` with sd `bias_sd`;
    `last_click` is the step from the main claim to that of last click; `self_reported` the log bias of what customers
    name. The additive law stands in the table of true returns."""

    claim_type: str
    platform: str
    bias: float
    bias_sd: float
    last_click: float
    self_reported: float


# Published figures and proposals by class; the spreads are widened and the centres shifted when drawn.
CLAIM_TRUTHS = {
    "brand_search": ClaimTruth("click", "google", 2.2, 1.0, -0.1, 0.5),
    "generic_search": ClaimTruth("click", "google", 0.4, 0.5, -0.1, 0.3),
    "shopping": ClaimTruth("click", "google", 0.55, 0.6, -0.2, -0.2),
    "retargeting": ClaimTruth("view", "retargeter", 1.7, 0.95, -0.8, -1.5),
    "prospecting_social": ClaimTruth("click", "meta", -0.15, 0.7, -0.45, -0.1),
    "b2b_social": ClaimTruth("click", "linkedin", -0.6, 0.8, -0.7, -0.3),
    "ctv": ClaimTruth("view", "streaming", 0.5, 0.9, -2.3, -0.4),
    "online_video": ClaimTruth("click", "google", -1.2, 0.6, -0.8, -0.5),
    "audio": ClaimTruth("click", "audio", -1.3, 0.6, -0.5, -0.1),
    "display": ClaimTruth("view", "display", 1.2, 1.0, -2.4, -2.0),
    "affiliate_coupon": ClaimTruth("click", "affiliate", 2.3, 1.1, -0.2, -1.0),
    "affiliate_content": ClaimTruth("click", "affiliate", 0.55, 0.7, -0.15, 0.0),
    "creators": ClaimTruth("click", "creators", -1.4, 0.7, -0.2, -0.2),
    "partners": ClaimTruth("click", "crm", 0.4, 0.9, -1.9, -0.2),
    "events": ClaimTruth("click", "crm", 0.4, 0.9, -1.9, -0.2),
    "newsletter": ClaimTruth("click", "mailer", 1.1, 0.7, -0.4, -1.0),
    "sponsorship": ClaimTruth("click", "audio", -1.3, 0.7, -0.3, -0.2),
    "ai_ads": ClaimTruth("click", "assistant", 0.15, 0.9, -0.65, -0.2),
    "review_sites": ClaimTruth("click", "reviews", 0.8, 0.9, -0.2, -0.2),
    "retail_media": ClaimTruth("click", "retailer", 0.8, 0.9, -0.2, -0.5),
}
# Classes that no click stream and no platform follows: at best customers name them.
ONLY_SELF_REPORTED = {"tv": -0.4, "ooh": -0.7, "content_seo": -0.2, "ai_organic": -0.2, "detailing": -0.5}


@dataclass(frozen=True)
class Audience:
    """Who claims can see in a kind of company: factor on `tracked` buyers, on brand search's `harvest`, and the log
    shift of claims that see only online sales (drawn between the two, for half of the companies)."""

    tracked: float = 1.0
    brand_harvest: float = 1.0
    online_only: tuple[float, float] = (0.0, 0.0)


AUDIENCES = {
    "b2b_software": Audience(tracked=0.5, brand_harvest=1.5),
    "ecommerce": Audience(),
    "developer_tool": Audience(tracked=0.7),
    "consumer_brand": Audience(online_only=(-2.0, -0.3)),
    "biopharma": Audience(online_only=(-1.5, 0.7)),
}


@dataclass(frozen=True)
class Claim:
    """One claimed return: revenue credited per unit of spend by `platform` under `claim_type`."""

    channel: str
    claim_type: str
    platform: str
    iroas: float


def claims(
    channels: Sequence[str],
    classes: Sequence[str],
    iroas: np.ndarray,
    spend_shares: np.ndarray,
    usual_shares: np.ndarray,
    *,
    kind: str,
    margin: float,
    law: ClaimLaw,
    rng: np.random.Generator,
) -> tuple[Claim, ...]:
    """Every claim on the channels (C) with true `iroas` (C,).

    Harvest per unit of spend grows where a channel has less than its usual share of spend: the audience that would buy
    anyway is credited to less money. In about half of the companies a click stream credits last clicks too, in a third
    customers are asked.
    """
    audience = AUDIENCES.get(kind, Audience())
    claimed_as = _claimed_as(law, sorted(set(classes)), rng)
    platforms = {t.platform: rng.normal(0, PLATFORM_SD) for t in CLAIM_TRUTHS.values()}
    company = rng.normal(0, COMPANY_SD)
    online_only = rng.uniform(*audience.online_only) if rng.random() < 0.5 else 0.0
    shifts = {name: rng.normal(0, CLASS_SHIFT) for name in sorted(set(classes))}
    last_click, asked = rng.random() < 0.5, rng.random() < 0.33
    out = []
    for c, (channel, name) in enumerate(zip(channels, classes, strict=True)):
        if asked:
            heard = CLAIM_TRUTHS[name].self_reported if name in CLAIM_TRUTHS else ONLY_SELF_REPORTED.get(name)
            if heard is not None:
                named = max(iroas[c], SMALLEST) * np.exp(heard + company + rng.normal(0, 1.0))
                out.append(Claim(channel, "self_reported", "survey", float(named)))
        if name not in claimed_as:
            continue
        own, about = CLAIM_TRUTHS[name], CLAIM_TRUTHS[claimed_as[name]]
        more = shifts[name] + company + platforms[own.platform] + online_only
        harvest = (usual_shares[c] / spend_shares[c]) * (audience.brand_harvest if name == "brand_search" else 1.0)
        main = _claimed(
            claimed_as[name], law, iroas[c], margin, more, audience.tracked, float(np.clip(harvest, 0.4, 2.5)), rng
        )
        out.append(Claim(channel, own.claim_type, own.platform, main))
        if last_click:
            credited = main * np.exp(about.last_click + rng.normal(0, TYPE_SD))
            out.append(Claim(channel, "last_click", "analytics", float(credited)))
    return tuple(out)


def _claimed_as(law: ClaimLaw, classes: Sequence[str], rng: np.random.Generator) -> dict[str, str]:
    """The class whose figures each class's claims follow: its own, or under `permuted classes` another's."""
    claiming = [name for name in classes if name in CLAIM_TRUTHS]
    other = [str(name) for name in rng.permutation(claiming)] if law == "permuted classes" else claiming
    return dict(zip(claiming, other, strict=True))


def _claimed(
    name: str,
    law: ClaimLaw,
    iroas: float,
    margin: float,
    more: float,
    audience_tracked: float,
    audience_harvest: float,
    rng: np.random.Generator,
) -> float:
    """Claimed revenue per unit of spend under the figures of the class `name`."""
    floored = max(iroas, SMALLEST)
    if law == "flat factor":
        return float(floored * np.exp(FLAT + rng.normal(0, FLAT_SD)))
    if law == "wild":
        return float(floored * np.exp(WILD + rng.normal(0, WILD_SD)))
    about, sales = CLAIM_TRUTHS[name], TRUE_RETURNS[name]
    if law == "additive" and sales.tracked is not None and sales.harvest is not None:
        share = sales.tracked * audience_tracked * np.exp(rng.normal(0, WIDER * sales.tracked_log_sd))
        harvest = sales.harvest * audience_harvest * np.exp(rng.normal(0, WIDER * sales.harvest_log_sd))
        return float((min(share, MOST_TRACKED) * max(iroas, 0.0) + harvest / margin) * np.exp(more))
    own_sd = np.sqrt(max((WIDER * about.bias_sd) ** 2 - PLATFORM_SD**2, 0.2**2))
    return float(floored * np.exp(about.bias + np.log(audience_tracked) / 2 + more + rng.normal(0, own_sd)))
