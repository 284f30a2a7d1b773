"""Five kinds of company as they would describe themselves: money, markets, season, channels. No randomness here."""

# fmt: off
# ruff: noqa: E501 - one row per channel: the numbers read as a table

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from models.worlds.roster import Rhythm
from models.worlds.true_returns import TRUE_RETURNS, TrueReturn

__all__ = ["KINDS", "TRUE_RETURNS", "CompanyKind", "KindChannel", "TrueReturn"]
AdSource = Literal["google_ads", "meta_ads", "linkedin_ads", "tiktok_ads", "channel_spend"]


@dataclass(frozen=True)
class KindChannel:
    """A channel of a kind: `spend_share` of the media budget, `constant` rhythm = no variation at all, `late` = switched on
    after half of the window. `utm` is (source, medium); `vendor` sends the invoice.
    """

    name: str
    label: str
    channel_class: str
    source: AdSource
    spend_share: float
    rhythm: Rhythm
    campaigns: tuple[str, ...]
    utm: tuple[str, str]
    cost_per_click: float
    click_rate: float
    vendor: str


@dataclass(frozen=True)
class CompanyKind:
    """Money, market and funnel of a kind of company. All ranges are (low, high).

    `margin` is the contribution margin before media; `media_share` the median of media spend over revenue;
    `revenue_per_day` the median over companies, in `currency`; `order_value` the mean of an order or invoice, its amounts
    spread with `order_log_sd`; `cycle_days` the median from lead to contract and `deal_value` the median contract, None and 0
    without a sales team; `refund_share` of revenue, dated on the order; `months` and `weekend` demand against a usual day;
    `tracking` multiplies what platforms see of a channel's effect; `seen_orders` is the share of orders in web analytics, 0
    where others sell; `ai_share` of revenue would come from AI answers if all cited the company; `field_force` is the cost of
    representatives over media, a line of the books and no channel.
    """

    name: str
    label: str
    company: str
    booking_label: str
    currency: str
    time_zone: str
    country_group: Literal["dach", "uk", "us", "world"]
    kpi: str
    margin: tuple[float, float]
    media_share: float
    revenue_per_day: float
    order_value: float
    order_log_sd: float
    cycle_days: float | None
    deal_value: float
    refund_share: tuple[float, float]
    sales_tax: float
    field_force: float
    seen_orders: float
    months: tuple[float, ...]
    weekend: float
    holiday_loss: float
    promotions: tuple[tuple[int, int, int], ...]
    promo_lift: float
    tracking: float
    ai_share: float
    competitors: tuple[str, ...]
    channels: tuple[KindChannel, ...]


_B2B = (
    KindChannel("paid_social_linkedin", "Paid social, LinkedIn", "b2b_social", "linkedin_ads", .28, "flights", ("Decision makers",), ("linkedin", "paid_social"), 6.20, .006, "LinkedIn"),
    KindChannel("paid_search_generic", "Paid search, generic", "generic_search", "google_ads", .20, "always_on", ("Search | Generic | Category", "Search | Generic | Problem"), ("google", "cpc"), 4.20, .035, "Google"),
    KindChannel("events", "Events and fairs", "events", "channel_spend", .18, "bursts", ("Event",), ("event", "offline"), 40.0, .02, "Hall & Stand"),
    KindChannel("paid_search_brand", "Paid search, brand", "brand_search", "google_ads", .07, "always_on", ("Search | Brand",), ("google", "cpc"), 1.10, .09, "Google"),
    KindChannel("retargeting", "Retargeting", "retargeting", "meta_ads", .06, "always_on", ("Retargeting",), ("facebook", "retargeting"), .80, .008, "Meta Platforms"),
    KindChannel("online_video", "Video, YouTube", "online_video", "google_ads", .06, "flights", ("Video | Awareness",), ("youtube", "video"), 4.10, .002, "Google"),
    KindChannel("podcast", "Podcast sponsoring", "audio", "channel_spend", .05, "flights", ("Podcast",), ("podcast", "audio"), 9.00, .003, "Earshot Media"),
    KindChannel("partners", "Partners and resellers", "partners", "channel_spend", .04, "constant", ("Partner program",), ("partner", "referral"), 12.0, .02, "Partner Desk"),
    KindChannel("ai_ads", "Ads in AI answers", "ai_ads", "channel_spend", .04, "late", ("AI answers",), ("chatgpt", "paid"), 2.80, .01, "Answer Ads"),
    KindChannel("newsletter", "Newsletter", "newsletter", "channel_spend", .02, "sends", ("Newsletter",), ("newsletter", "email"), .45, .02, "Mailworks"),
)
_SHOP = (
    KindChannel("paid_social_meta", "Paid social, Meta", "prospecting_social", "meta_ads", .28, "always_on", ("Prospecting | Broad", "Prospecting | Lookalike"), ("facebook", "paid_social"), .85, .012, "Meta Platforms"),
    KindChannel("paid_social_tiktok", "Paid social, TikTok", "prospecting_social", "tiktok_ads", .12, "flights", ("TikTok | Prospecting",), ("tiktok", "paid_social"), .60, .009, "TikTok"),
    KindChannel("shopping", "Shopping and Performance Max", "shopping", "google_ads", .17, "always_on", ("Shopping | Standard", "Performance Max"), ("google", "shopping"), .55, .014, "Google"),
    KindChannel("paid_search_generic", "Paid search, generic", "generic_search", "google_ads", .08, "always_on", ("Search | Generic",), ("google", "cpc"), 1.10, .04, "Google"),
    KindChannel("retargeting", "Retargeting", "retargeting", "meta_ads", .08, "always_on", ("Retargeting | Cart", "Retargeting | Visitors"), ("facebook", "retargeting"), .70, .010, "Meta Platforms"),
    KindChannel("paid_search_brand", "Paid search, brand", "brand_search", "google_ads", .05, "always_on", ("Search | Brand",), ("google", "cpc"), .45, .12, "Google"),
    KindChannel("affiliates_coupon", "Affiliates, coupons", "affiliate_coupon", "channel_spend", .05, "always_on", ("Coupon partners",), ("affiliate", "coupon"), .50, .05, "Linkhouse"),
    KindChannel("creators", "Creators", "creators", "channel_spend", .05, "bursts", ("Creator wave",), ("creator", "social"), 1.40, .008, "Studio Ninefold"),
    KindChannel("connected_tv", "Connected TV", "ctv", "channel_spend", .04, "flights", ("Connected TV",), ("ctv", "video"), 18.0, .001, "Streamwell"),
    KindChannel("online_video", "Video, YouTube", "online_video", "google_ads", .04, "constant", ("Video | Reach",), ("youtube", "video"), 2.60, .002, "Google"),
    KindChannel("newsletter", "Newsletter", "newsletter", "channel_spend", .02, "sends", ("Newsletter",), ("newsletter", "email"), .20, .03, "Mailworks"),
    KindChannel("ai_ads", "Ads in AI answers", "ai_ads", "channel_spend", .02, "late", ("AI answers",), ("chatgpt", "paid"), 1.20, .01, "Answer Ads"),
)
_DEVELOPER = (
    KindChannel("paid_search_generic", "Paid search, generic", "generic_search", "google_ads", .25, "always_on", ("Search | Generic | Databases", "Search | Generic | Errors"), ("google", "cpc"), 3.10, .03, "Google"),
    KindChannel("events", "Conferences and meetups", "events", "channel_spend", .16, "bursts", ("Conference",), ("event", "offline"), 30.0, .02, "Badge & Booth"),
    KindChannel("paid_social_linkedin", "Paid social, LinkedIn", "b2b_social", "linkedin_ads", .12, "flights", ("Engineering leads",), ("linkedin", "paid_social"), 6.80, .005, "LinkedIn"),
    KindChannel("paid_social_reddit", "Paid social, Reddit and X", "prospecting_social", "channel_spend", .10, "always_on", ("Reddit Prospecting",), ("reddit", "paid_social"), 1.30, .004, "Forum Ads"),
    KindChannel("creators", "Creators and streams", "creators", "channel_spend", .09, "bursts", ("Creator stream",), ("creator", "video"), 2.40, .01, "Codecast"),
    KindChannel("paid_search_brand", "Paid search, brand", "brand_search", "google_ads", .07, "always_on", ("Search | Brand",), ("google", "cpc"), .90, .11, "Google"),
    KindChannel("sponsorship", "Newsletter sponsoring", "sponsorship", "channel_spend", .07, "flights", ("Sponsored issue",), ("devletter", "sponsored"), 4.20, .006, "Devletter"),
    KindChannel("newsletter", "Own newsletter", "newsletter", "channel_spend", .06, "sends", ("Newsletter",), ("newsletter", "email"), .40, .02, "Mailworks"),
    KindChannel("ai_ads", "Ads in AI answers", "ai_ads", "channel_spend", .05, "late", ("AI answers",), ("chatgpt", "paid"), 2.20, .01, "Answer Ads"),
    KindChannel("review_sites", "Review portals", "review_sites", "channel_spend", .03, "constant", ("Review portal",), ("reviews", "listing"), 5.00, .02, "Comparely"),
)
_CONSUMER = (
    KindChannel("tv", "Television", "tv", "channel_spend", .33, "flights", ("Linear TV",), ("tv", "offline"), 60.0, .001, "Mediahaus Airtime"),
    KindChannel("paid_search_generic", "Paid search, generic", "generic_search", "google_ads", .15, "always_on", ("Search | Generic",), ("google", "cpc"), 1.20, .04, "Google"),
    KindChannel("paid_social_meta", "Paid social, Meta", "prospecting_social", "meta_ads", .13, "always_on", ("Prospecting",), ("facebook", "paid_social"), .90, .01, "Meta Platforms"),
    KindChannel("connected_tv", "Broadcaster video", "ctv", "channel_spend", .08, "flights", ("Broadcaster video",), ("bvod", "video"), 20.0, .001, "Streamwell"),
    KindChannel("radio", "Radio", "audio", "channel_spend", .06, "flights", ("Radio",), ("radio", "audio"), 30.0, .001, "Earshot Media"),
    KindChannel("retail_media", "Retail media", "retail_media", "channel_spend", .06, "always_on", ("Sponsored products",), ("retailer", "sponsored"), .70, .006, "Basket Media"),
    KindChannel("out_of_home", "Posters", "ooh", "channel_spend", .05, "flights", ("Posters",), ("ooh", "offline"), 60.0, .001, "Hoardings Ltd"),
    KindChannel("display", "Display", "display", "channel_spend", .05, "always_on", ("Display | Network",), ("network", "display"), 1.10, .0012, "Northedge Agency"),
    KindChannel("online_video", "Video, YouTube", "online_video", "google_ads", .04, "flights", ("Video | Reach",), ("youtube", "video"), 2.60, .002, "Google"),
    KindChannel("creators", "Creators", "creators", "channel_spend", .03, "bursts", ("Creator wave",), ("creator", "social"), 1.40, .008, "Studio Ninefold"),
    KindChannel("paid_search_brand", "Paid search, brand", "brand_search", "google_ads", .02, "constant", ("Search | Brand",), ("google", "cpc"), .40, .12, "Google"),
)
_BIOPHARMA = (
    KindChannel("tv", "Television to patients", "dtc_tv", "channel_spend", .42, "flights", ("Linear TV",), ("tv", "offline"), 80.0, .001, "Mediahaus Airtime"),
    KindChannel("connected_tv", "Connected TV", "ctv", "channel_spend", .10, "flights", ("Connected TV",), ("ctv", "video"), 25.0, .001, "Streamwell"),
    KindChannel("paid_search_generic", "Paid search, condition", "generic_search", "google_ads", .10, "always_on", ("Search | Condition",), ("google", "cpc"), 3.20, .03, "Google"),
    KindChannel("events", "Congresses and speaker programs", "events", "channel_spend", .10, "bursts", ("Congress",), ("event", "offline"), 60.0, .02, "Congress Partners"),
    KindChannel("display", "Display to patients and physicians", "display", "channel_spend", .08, "always_on", ("Display | Patients", "Display | Physicians"), ("network", "display"), 2.40, .001, "Northedge Agency"),
    KindChannel("paid_social_meta", "Paid social, Meta", "prospecting_social", "meta_ads", .08, "always_on", ("Disease awareness",), ("facebook", "paid_social"), 1.60, .008, "Meta Platforms"),
    KindChannel("online_video", "Video, YouTube", "online_video", "google_ads", .05, "flights", ("Video | Patients",), ("youtube", "video"), 4.40, .002, "Google"),
    KindChannel("paid_search_brand", "Paid search, brand", "brand_search", "google_ads", .04, "always_on", ("Search | Brand",), ("google", "cpc"), .90, .10, "Google"),
    KindChannel("audio", "Audio streaming", "audio", "channel_spend", .03, "constant", ("Audio",), ("audio", "stream"), 30.0, .001, "Earshot Media"),
)

_AUTUMN = ((3, 10, 23), (6, 10, 23), (11, 10, 23))
_SHOP_SALES = ((6, 20, 30), (11, 20, 30))
KINDS: Mapping[str, CompanyKind] = MappingProxyType({kind.name: kind for kind in (
    # Gross margin 72-78 %. October strong, August and late December dead. Lead to contract 84 days, contracts of 12,000.
    CompanyKind(
        "b2b_software", "B2B software", "Ferncroft Systems", "Subscriptions", "EUR", "Europe/Berlin", "dach", "revenue",
        margin=(.72, .80), media_share=.08, revenue_per_day=70_000, order_value=4_000, order_log_sd=1.1,
        cycle_days=84, deal_value=12_000, refund_share=(.01, .03), sales_tax=.19, field_force=0.0, seen_orders=.5,
        months=(.94, .97, 1.06, .98, 1.05, 1.06, 1.00, .80, 1.06, 1.14, 1.06, .88), weekend=.35, holiday_loss=.45,
        promotions=_AUTUMN, promo_lift=.08, tracking=.50, ai_share=.30,
        competitors=("Brasswell", "Orbitask", "Lumenforge", "Tallypine"), channels=_B2B,
    ),
    # Online returns 19 % (NRF 2025); fourth quarter 1.20 x the first (US Census).
    CompanyKind(
        "ecommerce", "Online shop", "Marlow & Finch", "Shop orders", "EUR", "Europe/Berlin", "dach", "revenue",
        margin=(.40, .55), media_share=.18, revenue_per_day=15_000, order_value=70, order_log_sd=.7,
        cycle_days=None, deal_value=0, refund_share=(.15, .24), sales_tax=.19, field_force=0.0, seen_orders=.85,
        months=(.95, .91, .94, .98, .99, .98, .93, .94, .98, 1.05, 1.17, 1.22), weekend=1.10, holiday_loss=.05,
        promotions=_SHOP_SALES, promo_lift=.25, tracking=1.0, ai_share=.12,
        competitors=("Loomhaus", "Nestwell", "Cottonbay", "Plainweave"), channels=_SHOP,
    ),
    # Few margins are published; weekdays count 2-3 x weekends; December low; usage is billed after a trial.
    CompanyKind(
        "developer_tool", "Developer tool", "Packetloom", "Usage and seats", "USD", "UTC", "world", "revenue",
        margin=(.80, .90), media_share=.06, revenue_per_day=24_000, order_value=220, order_log_sd=1.0,
        cycle_days=75, deal_value=15_000, refund_share=(.03, .08), sales_tax=.05, field_force=0.0, seen_orders=.4,
        months=(1.01, 1.03, 1.04, 1.02, 1.02, 1.00, .97, .94, 1.02, 1.04, 1.03, .88), weekend=.42, holiday_loss=.20,
        promotions=((11, 24, 30),), promo_lift=.08, tracking=.70, ai_share=.40,
        competitors=("Forkline", "Querymint", "Stackhollow", "Bytegarden"), channels=_DEVELOPER,
    ),
    # Sold by retailers: platforms see a small part of what they cause. A winter category with promotions.
    CompanyKind(
        "consumer_brand", "Consumer brand", "Hartwell Kitchen", "Retail sales", "GBP", "Europe/London", "uk", "revenue",
        margin=(.40, .55), media_share=.10, revenue_per_day=220_000, order_value=6_000, order_log_sd=.5,
        cycle_days=None, deal_value=0, refund_share=(.01, .03), sales_tax=0.0, field_force=0.0, seen_orders=0.0,
        months=(1.14, 1.10, 1.04, .98, .92, .86, .84, .86, .96, 1.06, 1.12, 1.12), weekend=1.25, holiday_loss=.10,
        promotions=((2, 5, 18), (5, 8, 21), (10, 6, 19)), promo_lift=.20, tracking=.15, ai_share=.05,
        competitors=("Pantry Lane", "Greenladle", "Souperb", "Millpond"), channels=_CONSUMER,
    ),
    # Gross margin 76 %. Plans reset in January, allergy season in spring, no prescriptions on weekends; physicians are
    # visited at 1.2 x media. Nobody can track a patient from an ad to a prescription.
    CompanyKind(
        "biopharma", "Pharmaceutical brand", "Aldervane Therapeutics", "Prescriptions", "USD", "America/New_York", "us", "revenue",
        margin=(.70, .80), media_share=.10, revenue_per_day=380_000, order_value=9_000, order_log_sd=.4,
        cycle_days=None, deal_value=0, refund_share=(.02, .05), sales_tax=0.0, field_force=1.2, seen_orders=0.0,
        months=(.86, .92, 1.06, 1.16, 1.16, 1.04, .94, .92, 1.02, 1.04, .96, .92), weekend=.30, holiday_loss=.60,
        promotions=((4, 1, 14),), promo_lift=.05, tracking=.45, ai_share=.08,
        competitors=("Clarimune", "Zephyrax", "Nasovent", "Seldora"), channels=_BIOPHARMA,
    ),
)})
