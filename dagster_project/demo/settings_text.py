"""plumbline.yaml of the demo company, with a comment wherever a value needs its reason."""

from __future__ import annotations

from models.worlds.books import (
    ACCRUAL_ACCOUNT,
    AGENCY_FEE,
    MEDIA_ACCOUNT,
    REFUNDS,
    SALARIES,
    SALES_LED,
    SELF_SERVE,
    TAX,
    TOOLS,
)
from models.worlds.roster import BRAND, CHANNELS, COMPANY, COMPETITORS, OWN_DOMAIN, REGIONS

CAMPAIGN_PATTERN = {
    "paid_search_brand": r"Search \| Brand",
    "paid_search_generic": r"Search \| Generic",
    "video": r"Video \|",
    "paid_social_meta": "Prospecting|Retargeting",
    "paid_social_linkedin": "Decision makers",
    "display": r"Display \|",
    "events": "Event",
    "newsletter": "Newsletter",
}
CLICK_ID_CAMPAIGN = {"video": r"Video \|"}
UTM_CAMPAIGN = {"paid_search_brand": r"Search \| Brand", "paid_search_generic": r"Search \| Generic"}
SELF_REPORTED = (
    ("searched your name", "paid_search_brand"),
    ("youtube|video", "video"),
    ("insta|facebook", "paid_social_meta"),
    ("linkedin", "paid_social_linkedin"),
    ("newsletter", "newsletter"),
    ("fair|conference|booth", "events"),
    ("chatgpt|perplexity|copilot|gemini", "ai_answers"),
    ("banner|news site", "display"),
    ("google", "search_unspecified"),
    ("colleague|recommendation|friend|boss", "word_of_mouth"),
)
LADDER = (
    ("Qualified", "opportunity"),
    ("Demo held", "opportunity"),
    ("Proposal sent", "proposal"),
    ("Closed Won", "won"),
    ("Closed Lost", "lost"),
    ("lead", "lead"),
    ("marketingqualifiedlead", "mql"),
    ("salesqualifiedlead", "sql"),
    ("opportunity", "opportunity"),
    ("customer", "won"),
)


def settings_text() -> str:
    """The whole file."""
    return "\n".join((_HEAD, _channels(), _geos(), _SOURCES, _ledger(), _crm(), _ai(), _TAIL))


_HEAD = f"""\
# The demo company. All names and figures are made up by `plumbline demo`; what is true stands in truth.json.
company:
  name: {COMPANY}
  brand: {BRAND}
  own_domains: [{OWN_DOMAIN}]

report_currency: EUR
time_zone: Europe/Berlin
fiscal: {{year_starts_in_month: 1}}   # 2026-Q3 is July to September 2026
kpi: {{name: revenue}}                # self-serve subscription bookings, before refunds, without tax
margin: 0.72                        # contribution margin of a subscription: 72 cents of each euro before media
clock: 2026-10-12                   # the demo's today; remove it in a real workspace
"""


def _channels() -> str:
    lines = [
        "# A campaign belongs to the first channel whose pattern its name holds; a visit likewise by its UTM values.",
        "channels:",
    ]
    for channel in CHANNELS:
        pattern = CAMPAIGN_PATTERN[channel.name]
        medium = f"source: {channel.utm[0]}, medium: {channel.utm[1]}"
        campaign = f", campaign: '{UTM_CAMPAIGN[channel.name]}'" if channel.name in UTM_CAMPAIGN else ""
        lines += [
            f"  - name: {channel.name}",
            f"    label: '{channel.label}'",
            f"    class: {channel.channel_class}",
            f"    campaigns: [{{source: {channel.source}, match: '{pattern}'}}]",
            f"    utm: [{{{medium}{campaign}}}]",
        ]
        if channel.name in CLICK_ID_CAMPAIGN:
            # A click id of Google makes any visit google / cpc, whatever its UTM values say.
            match = CLICK_ID_CAMPAIGN[channel.name]
            lines[-1] = f"    utm: [{{{medium}}}, {{source: google, medium: cpc, campaign: '{match}'}}]"
    return "\n".join(lines) + "\n"


def _geos() -> str:
    lines = [
        "# Every campaign name begins with its region; the display agency writes German names, hence the aliases.",
        "geos:",
    ]
    for region in REGIONS:
        lines.append(
            f"  - {{name: {region.name}, match: '^{region.name} \\|', aliases: ['{region.label}'],"
            f" population: {region.population * 1e6:.0f}}}"
        )
    return "\n".join(lines) + "\n"


_SOURCES = """\
# What the exports leave out: the account, its currency and its time zone.
sources:
  google_ads:
    account_id: '4812037756'
    accounts: {'4812037756': {currency: EUR, time_zone: Europe/Berlin}}
  meta_ads:
    account_id: '1029384756'
    accounts: {'1029384756': {currency: EUR, time_zone: Europe/Berlin}}
  linkedin_ads: {date_order: mdy}
"""


def _ledger() -> str:
    lines = [
        "# The report is tied to these accounts; whatever a rule leaves out says why.",
        "ledger:",
        "  tolerance: 0.001",
        "  accounts:",
        f"    '{SELF_SERVE}': {{kind: revenue}}",
        f"    '{SALES_LED}': {{kind: revenue, modelled: false,"
        " reason: 'Sales-led contracts close months after the first touch; the pipeline report explains them'}",
        f"    '{REFUNDS}': {{kind: refund, modelled: false,"
        " reason: 'The revenue file counts bookings before refunds'}",
        f"    '{TAX}': {{kind: tax, modelled: false, reason: 'Collected for the state, never ours'}}",
    ]
    for channel, account in MEDIA_ACCOUNT.items():
        lines.append(f"    '{account}': {{kind: media_spend, channel: {channel}}}")
    for channel, account in ACCRUAL_ACCOUNT.items():
        lines.append(f"    '{account}': {{kind: accrual, channel: {channel}}}")
    lines += [
        f"    '{AGENCY_FEE}': {{kind: agency_fee}}",
        f"    '{TOOLS}': {{kind: tooling}}",
        f"    '{SALARIES}': {{kind: salaries}}",
    ]
    return "\n".join(lines) + "\n"


def _crm() -> str:
    lines = ["# HubSpot's stages and life-cycle names on the common ladder.", "stages:"]
    lines += [f"  - {{system: hubspot, stage: '{stage}', ladder: {ladder}}}" for stage, ladder in LADDER]
    lines += [
        "",
        '# Answers to "How did you hear about us?"; the first pattern that fits wins.',
        '# "Google" alone does not say paid search: it is search_unspecified.',
        "self_reported:",
    ]
    lines += [f"  - {{match: '(?i){match}', channel: {channel}}}" for match, channel in SELF_REPORTED]
    return "\n".join(lines) + "\n"


def _ai() -> str:
    brands = ", ".join((COMPANY.split()[0], *COMPETITORS))
    lines = ("ai:", "  engines: [openai, anthropic, gemini, perplexity]", f"  brands: [{brands}]   # ours first")
    return "\n".join(lines) + "\n"


_TAIL = """\
attribution: {window_days: 180, order_window_days: 30, half_life_days: 7}   # a contract takes months
quarantine: {max_share: 0.01}   # the demo plants a few dozen broken rows; more than 1 % of a source would stop it
mmm: {grain: auto, by_geo: auto, draws: 1000, chains: 4}
patterns: {delta: 0.02, max_life_days: 365}
approvals: {approvers: [cfo@quillhaven.example, editor@quillhaven.example], weekly_limit: 5}
"""
