"""The demo company as it would describe itself: regions, channels, tests, size. No randomness here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

LAST_DAY = date(2026, 9, 30)
COMPANY = "Quillhaven Software"
BRAND = "quillhaven"
OWN_DOMAIN = "quillhaven.example"
COMPETITORS = ("Brasswell", "Orbitask", "Lumenforge", "Tallypine")
CURRENCY = "EUR"
FIRST_REVENUE_PER_DAY = 55_000.0
ORDER_VALUE = 3_000.0


@dataclass(frozen=True)
class Region:
    """A sales region; `population` in millions, `label` as the German agency writes it."""

    name: str
    label: str
    population: float
    country: str


REGIONS = (
    Region("DE-NW", "Nordrhein-Westfalen", 18.0, "Germany"),
    Region("DE-BY", "Bayern", 13.2, "Germany"),
    Region("DE-BW", "Baden-Württemberg", 11.2, "Germany"),
    Region("DE-NI", "Niedersachsen", 8.1, "Germany"),
    Region("DE-HE", "Hessen", 6.4, "Germany"),
    Region("DE-RP", "Rheinland-Pfalz", 4.2, "Germany"),
    Region("DE-SN", "Sachsen", 4.1, "Germany"),
    Region("DE-BE", "Berlin", 3.7, "Germany"),
    Region("DE-SH", "Schleswig-Holstein", 3.0, "Germany"),
    Region("DE-HH", "Hamburg", 1.9, "Germany"),
    Region("AT", "Österreich", 9.1, "Austria"),
    Region("CH", "Schweiz", 8.9, "Switzerland"),
)


@dataclass(frozen=True)
class Channel:
    """A channel with its typical money and its true response, which only the simulator knows.

    `daily_spend` is EUR a day over all regions, `iroas` the planned incremental revenue per EUR, `half_life` days,
    `half_saturation` the pressure (in typical daily spends) at half of the attainable effect. `claim` is the
    revenue per EUR that the platform reports for itself.
    """

    name: str
    label: str
    source: Literal["google_ads", "meta_ads", "linkedin_ads", "channel_spend"]
    channel_class: str
    rhythm: Literal["always_on", "flights", "bursts", "sends"]
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


# One row per channel, its numbers in the order of the fields of Channel: reads as a table.
CHANNELS = (
    Channel(
        "paid_search_brand", "Paid search, brand", "google_ads", "search", "always_on",
        1_500, 0.9, 2, 1.2, 7.5, 1.10, 0.09, ("Search | Brand",), ("google", "cpc"), 0.30,
    ),
    Channel(
        "paid_search_generic", "Paid search, generic", "google_ads", "search", "always_on",
        3_800, 2.2, 4, 3.0, 2.9, 3.40, 0.035, ("Search | Generic | Planning", "Search | Generic | Reporting"),
        ("google", "cpc"), 0.38,
    ),
    Channel(
        "paid_social_meta", "Paid social, Meta", "meta_ads", "social", "always_on",
        2_800, 1.7, 7, 8.0, 3.6, 0.95, 0.011, ("Prospecting", "Retargeting"), ("facebook", "paid_social"),
    ),
    Channel(
        "paid_social_linkedin", "Paid social, LinkedIn", "linkedin_ads", "social", "flights",
        2_600, 1.4, 14, 2.0, 0.8, 6.20, 0.006, ("Decision makers",), ("linkedin", "paid_social"),
    ),
    Channel(
        "video", "Video, YouTube", "google_ads", "video", "flights",
        1_800, 1.2, 21, 2.5, 0.4, 4.10, 0.002, ("Video | Awareness",), ("youtube", "video"),
    ),
    Channel(
        "display", "Display, agency", "channel_spend", "display", "always_on",
        1_200, 0.4, 10, 0.12, 1.9, 1.30, 0.0012, ("Display | Network",), ("agency-network", "display"),
    ),
    Channel(
        "events", "Events and fairs", "channel_spend", "event", "bursts",
        1_300, 2.0, 21, 3.0, 0.0, 40.0, 0.02, ("Event",), ("event", "offline"),
    ),
    Channel(
        "newsletter", "Newsletter", "channel_spend", "owned", "sends",
        300, 3.4, 3, 2.5, 6.0, 0.45, 0.02, ("Newsletter",), ("newsletter", "email"),
    ),
)  # fmt: skip
CHANNEL_NAMES = tuple(channel.name for channel in CHANNELS)


@dataclass(frozen=True)
class GeoTest:
    """A declared geo experiment: from `start` to `end` the channel's spend in `regions` is multiplied by `factor`."""

    experiment_id: str
    channel: str
    regions: tuple[str, ...]
    factor: float
    start: date
    end: date
    cooldown_end: date
    note: str


# One row per test, in the order of the fields of GeoTest: reads as a table.
GEO_TESTS = (
    GeoTest(
        "geo-2026-01-generic-dark", "paid_search_generic", ("DE-HE", "DE-SN", "AT"), 0.0,
        date(2026, 2, 2), date(2026, 3, 29), date(2026, 4, 12), "Generic search switched off for eight weeks",
    ),
    GeoTest(
        "geo-2026-02-meta-heavy", "paid_social_meta", ("DE-NI", "DE-BE"), 3.5,
        date(2026, 4, 20), date(2026, 6, 14), date(2026, 7, 5), "Meta budget at 350 % for eight weeks",
    ),
    GeoTest(
        "geo-2026-03-display-heavy", "display", ("DE-BW", "DE-RP"), 3.0,
        date(2026, 7, 6), date(2026, 8, 23), date(2026, 9, 6), "Display budget at 300 % for seven weeks",
    ),
)  # fmt: skip
SHORTEST_PRE_PERIOD = timedelta(days=56)


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

    @property
    def tests(self) -> tuple[GeoTest, ...]:
        """The experiments that leave eight weeks of history before their start."""
        return tuple(test for test in GEO_TESTS if test.start - self.first_day >= SHORTEST_PRE_PERIOD)


SIZES = {
    "small": Size(days=400),
    "medium": Size(days=1095),
    "large": Size(days=1095, campaign_splits=4, sessions_per_day=720, accounts_per_day=9.0, briefs_per_week=6.0),
}
