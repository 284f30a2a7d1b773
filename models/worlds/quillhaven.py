"""The demo company as it would describe itself: Quillhaven Software, a mid-size B2B software firm."""

from __future__ import annotations

from datetime import date

from models.worlds.regions import DACH
from models.worlds.roster import Channel, ContentChannel, GeoTest, Prompts, Roster

# One row per channel, its numbers in the order of the fields of Channel: reads as a table.
CHANNELS = (
    Channel(
        "paid_search_brand", "Paid search, brand", "google_ads", "brand_search", "always_on",
        1_500, 0.9, 2, 1.2, 7.5, 1.10, 0.09, ("Search | Brand",), ("google", "cpc"), 0.30,
        pattern=r"Search \| Brand", google_campaign=r"Search \| Brand", vendor="Google Ireland", follows_demand=4.0,
        answers=("Google", "searched your name"), origin_weight=0.06,
    ),
    Channel(
        "paid_search_generic", "Paid search, generic", "google_ads", "generic_search", "always_on",
        3_800, 2.2, 4, 3.0, 2.9, 3.40, 0.035, ("Search | Generic | Planning", "Search | Generic | Reporting"),
        ("google", "cpc"), 0.38,
        pattern=r"Search \| Generic", google_campaign=r"Search \| Generic", vendor="Google Ireland",
        more_in_promotions=0.25, answers=("Google search", "found you on google", "Googled planning software"),
        origin_weight=0.16,
    ),
    Channel(
        "paid_social_meta", "Paid social, Meta", "meta_ads", "prospecting_social", "always_on",
        2_800, 1.7, 7, 8.0, 3.6, 0.95, 0.011, ("Prospecting", "Retargeting"), ("facebook", "paid_social"),
        pattern="Prospecting|Retargeting", vendor="Meta Platforms Ireland", more_in_promotions=0.35,
        answers=("Instagram ad", "Facebook", "saw you on insta"), origin_weight=0.10,
    ),
    Channel(
        "paid_social_linkedin", "Paid social, LinkedIn", "linkedin_ads", "b2b_social", "flights",
        2_600, 1.4, 14, 2.0, 0.8, 6.20, 0.006, ("Decision makers",), ("linkedin", "paid_social"),
        pattern="Decision makers", vendor="LinkedIn Ireland",
        answers=("LinkedIn", "a post on LinkedIn", "linkedin ad"), origin_weight=0.17,
    ),
    Channel(
        "video", "Video, YouTube", "google_ads", "online_video", "flights",
        1_800, 1.2, 21, 2.5, 0.4, 4.10, 0.002, ("Video | Awareness",), ("youtube", "video"),
        pattern=r"Video \|", google_campaign=r"Video \|", vendor="Google Ireland",
        answers=("YouTube", "a video on youtube"), origin_weight=0.08,
    ),
    Channel(
        "display", "Display, agency", "channel_spend", "display", "always_on",
        1_200, 0.4, 10, 0.12, 1.9, 1.30, 0.0012, ("Display | Network",), ("agency-network", "display"),
        pattern=r"Display \|", vendor="Agentur Nordkante", accrued=True,
        answers=("banner somewhere", "an ad on a news site"), origin_weight=0.02,
    ),
    Channel(
        "events", "Events and fairs", "channel_spend", "events", "bursts",
        1_300, 2.0, 21, 3.0, 0.0, 40.0, 0.02, ("Event",), ("event", "offline"),
        pattern="Event", vendor="Messebau Lindfeld", accrued=True,
        answers=("trade fair in Hannover", "met you at a conference", "your booth at the fair"), origin_weight=0.13,
    ),
    Channel(
        "newsletter", "Newsletter", "channel_spend", "newsletter", "sends",
        300, 3.4, 3, 2.5, 6.0, 0.45, 0.02, ("Newsletter",), ("newsletter", "email"),
        pattern="Newsletter", vendor="Postwerk Mail",
        answers=("your newsletter", "Newsletter"), origin_weight=0.05,
    ),
)  # fmt: skip
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
_TOPICS = (
    "capacity planning software",
    "project portfolio tools",
    "resource planning for agencies",
    "team planning with GDPR hosting",
    "planning software for mid-size manufacturers",
    "alternatives to spreadsheets for planning",
    "planning tools with an API",
    "shift planning for service teams",
    "budget planning and forecasting tools",
    "planning software for remote teams",
    "roadmap planning tools",
    "planning software with German support",
    "workload management tools",
    "planning tools under 20 EUR a seat",
    "planning software with SSO",
)
_QUESTIONS = (
    "How do mid-size firms plan team capacity?",
    "What is a realistic utilisation rate for consultants?",
    "How do I move planning out of spreadsheets?",
    "Which planning mistakes cost projects most?",
    "How often should a resource plan be updated?",
    "What belongs into a capacity plan?",
)
QUILLHAVEN = Roster(
    kind=None,
    company="Quillhaven Software",
    own_domain="quillhaven.example",
    competitors=("Brasswell", "Orbitask", "Lumenforge", "Tallypine"),
    currency="EUR",
    time_zone="Europe/Berlin",
    margin=0.72,
    regions=DACH,
    channels=CHANNELS,
    tests=GEO_TESTS,
    content_channels=(
        ContentChannel("paid_social_meta", 0.016, 0.9, "ad"),
        ContentChannel("paid_social_linkedin", 0.009, 1.1, "post"),
        ContentChannel("newsletter", 0.034, 0.02, "email"),
    ),
    prompts=Prompts(
        _TOPICS,
        _QUESTIONS,
        subject="teams of this kind",
        advice="It depends on the size of the team. Compare some products on price and data protection.",
        trial="Try two products with your own data before you decide.",
    ),
    baseline_per_day=55_000.0,
    order_value=3_000.0,
    ai_revenue=26_000.0,
    booking_label="Self-serve subscriptions",
)
