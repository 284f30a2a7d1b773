"""What a simulated company is made of: regions, channels with their true response, tests, season, size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

LAST_DAY = date(2026, 9, 30)
SHORTEST_PRE_PERIOD = timedelta(days=56)
Rhythm = Literal["always_on", "flights", "bursts", "sends", "constant", "late"]


@dataclass(frozen=True)
class Region:
    """A sales region; `population` in millions, `label` as an agency of the country writes it."""

    name: str
    label: str
    population: float
    country: str


@dataclass(frozen=True)
class Channel:
    """A channel with its typical money and its true response, which only the simulator knows.

    `daily_spend` is money per day over all regions, `iroas` the planned incremental revenue per unit of spend,
    `half_life` days, `half_saturation` the pressure (in typical daily spends) at half of the attainable effect.
    `claim` is the revenue per unit of spend that the platform reports for itself; where `tracked` and `harvest`
    are set, it is instead tracked x true effect + harvest x usual spend: the second part follows demand, not
    spend.

    `pattern` finds its campaigns by name, `google_campaign` its visits among those that a click id of Google marks.
    `follows_demand`, `follows_season` and `more_in_promotions` say how its budget moves with sales (the confounders).
    `accrued`: the last days' invoices are booked a month late. `answers` is what buyers write about it in the CRM,
    `origin_weight` how often.
    """

    name: str
    label: str
    source: Literal["google_ads", "meta_ads", "linkedin_ads", "tiktok_ads", "channel_spend"]
    channel_class: str
    rhythm: Rhythm
    daily_spend: float
    iroas: float
    half_life: float
    half_saturation: float
    claim: float
    cost_per_click: float
    click_rate: float
    campaigns: tuple[str, ...]
    utm: tuple[str, str]
    variation: float = 0.45
    pattern: str = ""
    vendor: str = ""
    google_campaign: str | None = None
    follows_demand: float = 0.0
    follows_season: float = 0.0
    more_in_promotions: float = 0.0
    accrued: bool = False
    answers: tuple[str, ...] = ()
    origin_weight: float = 0.0
    tracked: float | None = None
    harvest: float | None = None

    @property
    def offline(self) -> bool:
        """Whether people rarely reach the site through it directly."""
        return self.utm[1] == "offline"


@dataclass(frozen=True)
class GeoTest:
    """A declared geo experiment: from `start` to `end` the channel's spend in `regions` is multiplied by `factor`.

    `missed` are regions of the declaration in which the change was never made: the test is contaminated.
    """

    experiment_id: str
    channel: str
    regions: tuple[str, ...]
    factor: float
    start: date
    end: date
    cooldown_end: date
    note: str
    missed: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[str, ...]:
        """The regions whose spend really changed."""
        return tuple(region for region in self.regions if region not in self.missed)


@dataclass(frozen=True)
class Season:
    """When people buy, relative to a usual day.

    Weekdays from Monday; months from January, None for the smooth year of an office product with a dead end of
    December; the share lost on public holidays; promotions as (month, first day, last day) with their lift.
    """

    weekdays: tuple[float, ...] = (1.18, 1.24, 1.22, 1.16, 1.02, 0.55, 0.63)
    months: tuple[float, ...] | None = None
    holiday_loss: float = 0.45
    promotions: tuple[tuple[int, int, int], ...] = ((3, 10, 23), (6, 10, 23), (11, 10, 23))
    promo_lift: float = 0.08


@dataclass(frozen=True)
class Sales:
    """The sales team's deals: `length_scale` is a quarter of the mean days from deal to signature, bounded by `length`.

    `value` is the median amount, `value_log_sd` its spread, `values` its bounds.
    """

    length_scale: float = 14.0
    length: tuple[int, int] = (20, 120)
    value: float = 24_000.0
    value_log_sd: float = 0.6
    values: tuple[int, int] = (4_000, 180_000)


@dataclass(frozen=True)
class ContentChannel:
    """A channel whose pieces of content are tested: usual success rate, corrections per piece at first, format."""

    name: str
    base_rate: float
    returns: float
    format: str


@dataclass(frozen=True)
class Prompts:
    """What AI engines are asked about a market: topics of recommendations and questions without a product.

    `subject`, `advice` and `trial` are what their answers are made of.
    """

    topics: tuple[str, ...]
    questions: tuple[str, ...]
    subject: str
    advice: str
    trial: str


@dataclass(frozen=True)
class Roster:
    """Everything that is fixed about a company before its days are drawn; money in `currency`.

    `kind` is a key of KINDS, None for the demo company. `baseline_per_day` is revenue without media on a usual
    first day over all regions, `ai_revenue` the revenue per day if every AI answer cited the company.
    `return_noise` is the log sd by which realised returns differ from the channels' plan, `return_bounds` their
    bounds. `order_shape` is the gamma shape of the amounts of orders (large: all alike), `refund_share` the
    range of a day's refunds over its revenue, `seen_orders` the share of orders that web analytics sees.
    `field_force` is the cost of representatives over the media spend, a ledger line only.
    """

    kind: str | None
    company: str
    own_domain: str
    competitors: tuple[str, ...]
    currency: str
    time_zone: str
    margin: float
    regions: tuple[Region, ...]
    channels: tuple[Channel, ...]
    tests: tuple[GeoTest, ...]
    content_channels: tuple[ContentChannel, ...]
    prompts: Prompts
    baseline_per_day: float
    order_value: float
    ai_revenue: float
    booking_label: str
    season: Season = Season()
    sales: Sales | None = Sales()
    return_noise: float = 0.1
    return_bounds: tuple[float, float] = (0.32, 3.9)
    order_shape: float = 3.0
    refund_share: tuple[float, float] = (0.0, 0.03)
    seen_orders: float = 0.65
    sales_tax: float = 0.19
    field_force: float = 0.0

    @property
    def brand(self) -> str:
        """The company's name as people write it."""
        return self.company.split()[0]

    @property
    def region_names(self) -> tuple[str, ...]:
        return tuple(region.name for region in self.regions)

    @property
    def channel_names(self) -> tuple[str, ...]:
        return tuple(channel.name for channel in self.channels)

    @property
    def media_accounts(self) -> Mapping[str, str]:
        """Ledger account per channel."""
        return {channel.name: str(6601 + index) for index, channel in enumerate(self.channels)}

    @property
    def accrual_accounts(self) -> Mapping[str, str]:
        """Accrual account per channel whose last invoices come a month late."""
        return {name: str(6691 + index) for index, name in enumerate(c.name for c in self.channels if c.accrued)}

    def first_of(self, channel_class: str) -> str | None:
        """Name of the first channel of a class."""
        return next((c.name for c in self.channels if c.channel_class == channel_class), None)

    def tests_in(self, size: Size) -> tuple[GeoTest, ...]:
        """The experiments that leave eight weeks of history before their start."""
        return tuple(test for test in self.tests if test.start - size.first_day >= SHORTEST_PRE_PERIOD)


@dataclass(frozen=True)
class Size:
    """How much of the company is simulated; `days` end with 2026-09-30."""

    days: int
    campaign_splits: int = 1
    sessions_per_day: int = 180
    accounts_per_day: float = 3.0
    briefs_per_week: float = 2.2

    def __post_init__(self) -> None:
        if self.days < 120:
            raise ValueError(f"days={self.days}: need at least 120, because a weekly model cannot learn from fewer")

    @property
    def first_day(self) -> date:
        return LAST_DAY - timedelta(days=self.days - 1)


SIZES = {
    "small": Size(days=400),
    "medium": Size(days=1095),
    "large": Size(days=1095, campaign_splits=4, sessions_per_day=720, accounts_per_day=9.0, briefs_per_week=6.0),
}
