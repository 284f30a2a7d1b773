"""plumbline.yaml: what the workspace says about the company, checked before anything runs.

Unknown keys are refused and every error names file, key, value and the fix. Secrets never belong here: they come
from the environment (`PLUMBLINE_PEPPER`, `PLUMBLINE_FEED_TOKEN`, the keys of language models).
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dagster_project.workspace.ai_settings import AiPanel, Llm
from dagster_project.workspace.prior_settings import Priors
from feedback.approvals import ApprovalPolicy
from feedback.events.settings import EventSettings
from models.channel_classes import ClassChoice, class_of
from models.error import PlumblineError
from models.pattern_rules import ExposureRules, PromotionPolicy

Source = Literal[
    "google_ads",
    "meta_ads",
    "linkedin_ads",
    "microsoft_ads",
    "tiktok_ads",
    "channel_spend",
    "hubspot",
    "salesforce",
    "ga4",
    "ledger",
    "revenue",
    "experiments",
    "content",
    "content_events",
    "ai_panel",
    "ai_answers",
    "receipts",
    "approvals",
    "context",
]
SOURCES: tuple[str, ...] = get_args(Source)
AD_PLATFORMS = SOURCES[:5]
Ladder = Literal["touched", "lead", "mql", "sql", "opportunity", "proposal", "won", "lost"]
LADDER: tuple[str, ...] = get_args(Ladder)
LedgerKind = Literal[
    "revenue", "bookings", "media_spend", "agency_fee", "tooling", "salaries", "refund", "tax", "accrual"
]
LEDGER_KINDS: tuple[str, ...] = get_args(LedgerKind)
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class SettingsError(PlumblineError, ValueError):
    """plumbline.yaml cannot be used; one line per fault names file, key, value and the fix."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is not a regular expression: {error}") from None
    return value


Pattern = Annotated[str, Field(min_length=1)]


class Company(_Part):
    """Who is measured; `brand` partitions the pattern memory."""

    name: str = "My company"
    brand: Name = "my-company"
    own_domains: tuple[str, ...] = ()


class FiscalCalendar(_Part):
    """First month of the fiscal year: with 1, 2026-Q3 is July to September 2026."""

    year_starts_in_month: int = Field(default=1, ge=1, le=12)


class Kpi(_Part):
    """The outcome that the models explain; other than revenue it needs a value per unit to speak of money."""

    name: Literal["revenue", "pipeline", "orders", "leads"] = "revenue"
    value_per_unit: Decimal | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _money(self) -> Kpi:
        if self.name != "revenue" and self.value_per_unit is None:
            raise ValueError(f"kpi {self.name} needs value_per_unit (money per unit), or no return can be computed")
        return self


class CampaignRule(_Part):
    """Campaigns of `source` whose name matches the regular expression belong to the channel."""

    source: Source
    match: Pattern = "."

    _is_pattern = field_validator("match")(_pattern)


class UtmRule(_Part):
    """A visit with this source, medium and campaign (regular expressions) belongs to the channel."""

    source: Pattern = "."
    medium: Pattern = "."
    campaign: Pattern | None = None

    _is_pattern = field_validator("source", "medium")(_pattern)


class Channel(_Part):
    """One line of the CFO's table, with the rules that map campaigns and visits to it.

    `class` is one of the channel classes (docs/methods/channel-classes.md). Another word is accepted and warned about:
    the channel's name is read instead.
    """

    name: Name
    label: str | None = None
    channel_class: str | None = Field(default=None, alias="class")
    campaigns: tuple[CampaignRule, ...] = ()
    utm: tuple[UtmRule, ...] = ()
    default_geo: str | None = None

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Geo(_Part):
    """A region; `match` finds it in a campaign name, `aliases` in a geo column."""

    name: str
    match: Pattern | None = None
    aliases: tuple[str, ...] = ()
    population: float | None = Field(default=None, gt=0)


class AdAccount(_Part):
    """What an ad account's export leaves out."""

    currency: Currency | None = None
    time_zone: str | None = None


class WideColumns(_Part):
    """Columns of a wide spend file that belong to one channel."""

    spend: str
    impressions: str | None = None
    clicks: str | None = None


class SourceOptions(_Part):
    """How to read one source where its files leave a choice; after `ended` it spent nothing, by the company's word."""

    grain: Literal["day", "week", "month"] = "day"
    shape: str | None = None
    date_order: Literal["ymd", "mdy", "dmy"] | None = None
    decimal_mark: Literal[".", ","] | None = None
    currency: Currency | None = None
    accounts: dict[str, AdAccount] = Field(default_factory=dict)
    complete_days: bool = False
    zero_fill: bool = False
    wide: dict[Name, WideColumns] = Field(default_factory=dict)
    columns: dict[str, str] = Field(default_factory=dict)
    conversion_action: str | None = None
    account_id: str | None = None
    ended: date | None = None


class LedgerAccount(_Part):
    """What a ledger account holds; `modelled: false` names revenue that the model leaves out, with its reason."""

    kind: Literal["revenue", "bookings", "media_spend", "agency_fee", "tooling", "salaries", "refund", "tax", "accrual"]
    channel: Name | None = None
    modelled: bool = True
    reason: str | None = None


class Ledger(_Part):
    """How the books map to the report, and the gap that still counts as tied."""

    accounts: dict[str, LedgerAccount] = Field(default_factory=dict)
    tolerance: Decimal = Field(default=Decimal("0.001"), ge=0, le=1)


class StageRule(_Part):
    """A CRM stage (id or label) on the common ladder."""

    system: Literal["hubspot", "salesforce"]
    pipeline: str = "."
    stage: str
    ladder: Ladder


class SelfReported(_Part):
    """Where the answer to "How did you hear about us?" stands, and which words mean which channel."""

    match: Pattern
    channel: Name

    _is_pattern = field_validator("match")(_pattern)


class Attribution(_Part):
    """Windows of the touch-to-conversion rules, in days."""

    window_days: int = Field(default=90, ge=1, le=730)
    order_window_days: int = Field(default=30, ge=1, le=365)
    half_life_days: float = Field(default=7.0, gt=0)


class Quarantine(_Part):
    """Share of a source's delivered rows that may be bad before its check fails and downstream stops."""

    max_share: float = Field(default=0.05, ge=0, le=1)


class Mmm(_Part):
    """The few choices of the media mix model that belong to the company; everything else is the spec's default."""

    grain: Literal["auto", "day", "week", "month"] = "auto"
    by_geo: Literal["auto", "yes", "no"] = "auto"
    draws: int = Field(default=1000, ge=200, le=20000)
    chains: int = Field(default=4, ge=2, le=8)
    start: date | None = None
    max_lag_weeks: int = Field(default=13, ge=1, le=52)
    holidays: str | None = Field(default=None, pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")
    falsify: bool = False
    experiments: bool = False

    @field_validator("holidays")
    @classmethod
    def _of_a_country(cls, code: str | None) -> str | None:
        from dagster_project.workspace.public_holidays import unknown

        if code and (wrong := unknown(code)):
            raise ValueError(wrong)
        return code


class Playbook(_Part):
    """`times` returns or denials for the same reason by at least `people` persons within `days` make a candidate."""

    times: int = Field(default=3, ge=2)
    people: int = Field(default=2, ge=1)
    days: int = Field(default=30, ge=1, le=365)


class Patterns(_Part):
    """Smallest effect worth acting on (log odds), how long a card lives at most, and the rules of the feed.

    `rules` are the thresholds of a card's life, `exposure` how cards are dealt to variants, `smallest_lift` the lift of
    the whole feed (log odds) below which it is not worth its effort. `playbook` says when repeated corrections become a
    candidate for a rule of the brand.
    """

    delta: float = Field(default=0.02, ge=0)
    max_life_days: int = Field(default=365, ge=30)
    rules: PromotionPolicy = PromotionPolicy()
    exposure: ExposureRules = ExposureRules()
    smallest_lift: float = Field(default=0.10, gt=0, le=2)
    playbook: Playbook = Playbook()

    @field_validator("rules")
    @classmethod
    def _set_elsewhere(cls, rules: PromotionPolicy) -> PromotionPolicy:
        if "max_life_days" in rules.model_fields_set:
            raise ValueError("max_life_days stands under patterns, not under patterns.rules; move it there")
        if "risk" in rules.model_fields_set:
            raise ValueError("risk stands under approvals.risks, not under patterns.rules; move it there")
        if rules.approved:
            raise ValueError("approved is no setting: a person approves one version of a card; remove it")
        if rules.reread:
            raise ValueError("reread is no setting: the versions of the extractors say when it was; remove it")
        return rules

    @property
    def policy(self) -> PromotionPolicy:
        """The rules with the life span that is set beside them."""
        return self.rules.model_copy(update={"max_life_days": self.max_life_days})


class Operations(_Part):
    """How content work is judged: what an hour of people costs, which share of a draft people usually change, targets.

    Without `hourly_rate` people's minutes are shown as minutes and not as money. `edit_band` is pipeline (.25 to .45)
    or agentic (.15 to .25). Targets are ratios to the workspace's own baseline.
    """

    hourly_rate: Decimal | None = Field(default=None, gt=0)
    edit_band: Literal["pipeline", "agentic"] = "pipeline"
    cycle_time_target: float = Field(default=0.60, gt=0, lt=1)
    first_hit_target: float = Field(default=1.25, gt=1)


class Retention(_Part):
    """How many published snapshots and finished runs are kept."""

    published: int = Field(default=5, ge=1)


class Settings(_Part):
    """The whole of plumbline.yaml."""

    company: Company = Company()
    report_currency: Currency = "EUR"
    time_zone: str = "UTC"
    fiscal: FiscalCalendar = FiscalCalendar()
    kpi: Kpi = Kpi()
    margin: Decimal | None = None
    clock: date | None = None
    channels: tuple[Channel, ...] = ()
    geos: tuple[Geo, ...] = ()
    sources: dict[Source, SourceOptions] = Field(default_factory=dict)
    ledger: Ledger = Ledger()
    stages: tuple[StageRule, ...] = ()
    self_reported: tuple[SelfReported, ...] = ()
    ai: AiPanel = AiPanel()
    attribution: Attribution = Attribution()
    quarantine: Quarantine = Quarantine()
    mmm: Mmm = Mmm()
    priors: Priors = Priors()
    patterns: Patterns = Patterns()
    approvals: ApprovalPolicy = ApprovalPolicy()
    events: EventSettings = EventSettings()
    operations: Operations = Operations()
    llm: Llm = Llm()
    retention: Retention = Retention()

    @field_validator("margin")
    @classmethod
    def _share(cls, margin: Decimal | None) -> Decimal | None:
        if margin is not None and not 0 < margin <= 1:
            hint = f"; write {margin / 100} for {margin} %" if 1 < margin <= 100 else ""
            raise ValueError(f"a contribution margin is a share between 0 and 1{hint}")
        return margin

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError("not an IANA time zone; write for example Europe/Berlin")
        return zone

    @model_validator(mode="after")
    def _once(self) -> Settings:
        for what, names in (
            ("channel", [c.name for c in self.channels]),
            ("geo", [g.name for g in self.geos]),
        ):
            twice = sorted({n for n in names if names.count(n) > 1})
            if twice:
                raise ValueError(f"{what} {twice[0]} is listed twice; keep one entry")
        return self

    @model_validator(mode="after")
    def _priors_of_channels(self) -> Settings:
        names = [c.name for c in self.channels]
        stranger = sorted(set(self.priors.channels) - set(names)) if names else []
        if stranger:
            raise ValueError(f"priors.channels.{stranger[0]} is not a channel; listed here: {', '.join(names)}")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def class_of(self, channel: str) -> ClassChoice:
        """The class of a channel: as listed here, else as its name tells."""
        listed = {c.name: c.channel_class for c in self.channels}
        return class_of(channel, listed.get(channel))

    def options(self, source: str) -> SourceOptions:
        """The source's options, the defaults where plumbline.yaml is silent."""
        return self.sources.get(source, SourceOptions())  # type: ignore[call-overload]


def load(path: Path) -> Settings:
    """Settings of the workspace file at `path`.

    Raises SettingsError with one line per fault: file, key, value seen and the fix.
    """
    if not path.exists():
        raise SettingsError(
            f"{path.name} is missing in {path.parent}: `plumbline init {path.parent}` writes a commented one"
        )
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.name} is not valid YAML: {' '.join(str(error).split())}") from None
    if raw is None:
        raw = {}
    if not isinstance(raw, dict):
        raise SettingsError(
            f"{path.name}: the file must be a list of `key: value` lines, it holds {type(raw).__name__}"
        )
    try:
        return Settings.model_validate(raw)
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(path.name, item) for item in error.errors())) from None


def _sentence(file: str, item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"]) or "(whole file)"
    seen = item.get("input")
    if item["type"] == "extra_forbidden":
        valid_keys = ", ".join(_known(item["loc"]))
        return f"{file}: {key} is not a setting; known here: {valid_keys}. Correct the name or remove it."
    hidden = item["loc"][-1:] == ("key",)  # somebody may have written the secret itself where its variable belongs
    value = "" if hidden or isinstance(seen, dict | list | tuple | BaseModel) else f" is {seen}"
    message = item["msg"].removeprefix("Value error, ")
    return f"{file}: {key}{value}: {message}."


def _known(loc: tuple[Any, ...]) -> list[str]:
    """Names allowed where the unknown key stands, found by walking the model along the error's path."""
    model: Any = Settings
    for part in loc[:-1]:
        if isinstance(model, type) and issubclass(model, BaseModel) and part in model.model_fields:
            model = model.model_fields[part].annotation
        arguments = [a for a in getattr(model, "__args__", ()) if isinstance(a, type) and issubclass(a, BaseModel)]
        if arguments:
            model = arguments[-1]
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [field.alias or name for name, field in model.model_fields.items()]
    return []
