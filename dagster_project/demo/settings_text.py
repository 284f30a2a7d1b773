"""plumbline.yaml of a simulated company, with a comment wherever a value needs its reason."""

from __future__ import annotations

from models.channel_classes import CLASSES, UNKNOWN
from models.worlds.books import AGENCY_FEE, FIELD_FORCE, REFUNDS, SALARIES, SALES_LED, SELF_SERVE, TAX, TOOLS
from models.worlds.kind_words import PATTERNS
from models.worlds.roster import Channel, Roster

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
ANY_COMPANY = ("ai_answers", "search_unspecified", "word_of_mouth")
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


def settings_text(roster: Roster) -> str:
    """The whole file."""
    parts = [_head(roster), _channels(roster), _geos(roster), _sources(roster), _ledger(roster)]
    if roster.sales is not None:
        parts.append(_crm(roster))
    return "\n".join((*parts, _ai(roster), _tail(roster)))


def _head(roster: Roster) -> str:
    if roster.kind is None:
        what, booked, unit, of = "The demo company", "self-serve subscription bookings", "euro", "a subscription"
    else:
        what, booked, unit, of = (
            f"A demo company, {roster.kind}",
            roster.booking_label.lower(),
            "unit of money",
            "a sale",
        )
    cents = round(100 * roster.margin)
    return f"""\
# {what}. All names and figures are made up by `plumbline demo`; what is true stands in truth.json.
company:
  name: {roster.company}
  brand: {roster.brand.lower()}
  own_domains: [{roster.own_domain}]

report_currency: {roster.currency}
time_zone: {roster.time_zone}
fiscal: {{year_starts_in_month: 1}}   # 2026-Q3 is July to September 2026
kpi: {{name: revenue}}                # {booked}, before refunds, without tax
margin: {roster.margin:<27g} # contribution margin of {of}: {cents} cents of each {unit} before media
clock: 2026-10-12                   # the demo's today; remove it in a real workspace
"""


def _channels(roster: Roster) -> str:
    lines = [
        "# A campaign belongs to the first channel whose pattern its name holds; a visit likewise by its UTM values.",
        "# The class says what kind of channel it is; all of them: "
        + ", ".join(n for n in CLASSES if n != UNKNOWN)
        + ".",
        "channels:",
    ]
    for channel in roster.channels:
        lines += [
            f"  - name: {channel.name}",
            f"    label: '{channel.label}'",
            f"    class: {channel.channel_class}",
            f"    campaigns: [{{source: {channel.source}, match: '{channel.pattern}'}}]",
            f"    utm: [{_utm(channel)}]",
        ]
    return "\n".join(lines) + "\n"


def _utm(channel: Channel) -> str:
    """A click id of Google makes any visit google / cpc, whatever its UTM values say: the campaign then tells."""
    own = f"source: {channel.utm[0]}, medium: {channel.utm[1]}"
    if channel.google_campaign is None:
        return f"{{{own}}}"
    click_id = f"{{source: google, medium: cpc, campaign: '{channel.google_campaign}'}}"
    return click_id if channel.utm == ("google", "cpc") else f"{{{own}}}, {click_id}"


def _geos(roster: Roster) -> str:
    writer = "the display agency writes German names" if roster.kind is None else "agencies write full names"
    lines = [f"# Every campaign name begins with its region; {writer}, hence the aliases.", "geos:"]
    for region in roster.regions:
        lines.append(
            f"  - {{name: {region.name}, match: '^{region.name} \\|', aliases: ['{region.label}'],"
            f" population: {region.population * 1e6:.0f}}}"
        )
    return "\n".join(lines) + "\n"


ACCOUNTS = {"google_ads": "4812037756", "meta_ads": "1029384756"}


def _sources(roster: Roster) -> str:
    lines = ["# What the exports leave out: the account, its currency and its time zone.", "sources:"]
    for source, account in ACCOUNTS.items():
        lines += [
            f"  {source}:",
            f"    account_id: '{account}'",
            f"    accounts: {{'{account}': {{currency: {roster.currency}, time_zone: {roster.time_zone}}}}}",
        ]
    if any(channel.source == "linkedin_ads" for channel in roster.channels):
        lines.append("  linkedin_ads: {date_order: mdy}")
    return "\n".join(lines) + "\n"


def _ledger(roster: Roster) -> str:
    sales_led = (
        f"    '{SALES_LED}': {{kind: revenue, modelled: false,"
        " reason: 'Sales-led contracts close months after the first touch; the pipeline report explains them'}"
    )
    lines = [
        "# The report is tied to these accounts; whatever a rule leaves out says why.",
        "ledger:",
        "  tolerance: 0.001",
        "  accounts:",
        f"    '{SELF_SERVE}': {{kind: revenue}}",
        *(() if roster.sales is None else (sales_led,)),
        f"    '{REFUNDS}': {{kind: refund, modelled: false,"
        " reason: 'The revenue file counts bookings before refunds'}",
        f"    '{TAX}': {{kind: tax, modelled: false, reason: 'Collected for the state, never ours'}}",
    ]
    for channel, account in roster.media_accounts.items():
        lines.append(f"    '{account}': {{kind: media_spend, channel: {channel}}}")
    for channel, account in roster.accrual_accounts.items():
        lines.append(f"    '{account}': {{kind: accrual, channel: {channel}}}")
    lines += [
        f"    '{AGENCY_FEE}': {{kind: agency_fee}}",
        f"    '{TOOLS}': {{kind: tooling}}",
        f"    '{SALARIES}': {{kind: salaries}}",
    ]
    if roster.field_force:
        lines.append(f"    '{FIELD_FORCE}': {{kind: salaries}}")
    return "\n".join(lines) + "\n"


def _crm(roster: Roster) -> str:
    lines = ["# HubSpot's stages and life-cycle names on the common ladder.", "stages:"]
    lines += [f"  - {{system: hubspot, stage: '{stage}', ladder: {ladder}}}" for stage, ladder in LADDER]
    lines += [
        "",
        '# Answers to "How did you hear about us?"; the first pattern that fits wins.',
        '# "Google" alone does not say paid search: it is search_unspecified.',
        "self_reported:",
    ]
    lines += [f"  - {{match: '(?i){match}', channel: {channel}}}" for match, channel in _self_reported(roster)]
    return "\n".join(lines) + "\n"


def _self_reported(roster: Roster) -> tuple[tuple[str, str], ...]:
    """Patterns of answers with their channel, the particular ones first."""
    if roster.kind is None:
        return SELF_REPORTED
    own = [(PATTERNS[c.channel_class], c.name) for c in roster.channels if c.channel_class in PATTERNS]
    return (*own, *(pair for pair in SELF_REPORTED if pair[1] in ANY_COMPANY))


def _ai(roster: Roster) -> str:
    brands = ", ".join((roster.brand, *roster.competitors))
    lines = ("ai:", "  engines: [openai, anthropic, gemini, perplexity]", f"  brands: [{brands}]   # ours first")
    return "\n".join(lines) + "\n"


def _tail(roster: Roster) -> str:
    return f"""\
attribution: {{window_days: 180, order_window_days: 30, half_life_days: 7}}   # a contract takes months
quarantine: {{max_share: 0.01}}   # the demo plants a few dozen broken rows; more than 1 % of a source would stop it
mmm: {{grain: auto, by_geo: auto, draws: 1000, chains: 4}}
# The demo has nobody who approves: with the default of 0.3 each card that reaches more than 30 % of the budget waits.
patterns: {{delta: 0.02, max_life_days: 365, rules: {{person_above_reach: 1}}}}
# Who decides: `plumbline pending` lists what waits, docs/approvals.md explains the gates.
approvals:
  weekly_limit: 5
  veto_hours: 0   # the demo is one day long; a real workspace leaves people 24 hours to object to a low-risk card
  risks: {{headline.science_data: claim}}   # a headline that cites data makes a claim: brand owner and compliance agree
  people:
    - {{id: editor@{roster.own_domain}, name: Edda Editor, roles: [brand_owner, editor]}}
    - {{id: legal@{roster.own_domain}, name: Lee Legal, roles: [compliance]}}
    - {{id: cfo@{roster.own_domain}, name: Fay Finance, roles: [cfo]}}
    - {{id: cmo@{roster.own_domain}, name: Max Marketing, roles: [cmo]}}
  gates:
    spend: {{free_up_to: 500}}
  agents:
    - {{id: "agent:writer", role: copywriter, mandate: headlines for paid social, owner: editor@{roster.own_domain},
       success: share of drafts approved at first, tools: [feed], sees: [patterns, brand],
       may: [read_patterns, draft, revise, return_receipt], asks: [publish, spend]}}
"""
