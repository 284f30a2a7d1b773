"""What plumbline.yaml says about the panel of AI answers: brands, the questions' subject, engines and the design."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Route = Literal["auto", "responses", "anthropic", "perplexity", "gemini", "chat"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Text = Annotated[str, Field(min_length=1, max_length=300)]
Words = Text | dict[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")], Text]  # one wording, or one per language
PurposeOfCall = Literal["collect", "extract", "judge"]
ROUTES: dict[str, Route] = {
    "openai": "responses",
    "xai": "responses",
    "azure": "responses",
    "anthropic": "anthropic",
    "perplexity": "perplexity",
    "gemini": "gemini",
}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Market(_Part):
    """A country (ISO 3166) and the language (BCP 47) in which its buyers ask; `name` is how a prompt names it."""

    country: str = Field(default="US", pattern=r"^[A-Z]{2}$")
    locale: str = Field(default="en-US", pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")
    name: str | None = Field(default=None, min_length=1)

    @property
    def language(self) -> str:
        return self.locale.split("-")[0]


class Persona(_Part):
    """Who asks: `name` is the key in the panel, `words` how a prompt says it after "for": "a team of ten"."""

    name: Name
    words: Words


class Engine(_Part):
    """An AI engine that `plumbline ask` may call; one that is only named (no model) is read from files.

    `key` names the environment variable with the secret. `price_usd` is what an answer costs as a rule and
    `most_usd` what it can cost at most; both are needed to keep to a cap before the first answer has told its price.
    `search_fee_usd` is added to the price that the library computes where its price list leaves the fee out.
    """

    name: Name
    model: str | None = None
    route: Route = "auto"
    endpoint: str | None = Field(default=None, pattern=r"^https?://")
    api_version: str | None = None
    key: str | None = None
    surface: Name = "api"
    contract: Literal["search_required", "native_auto", "recall"] = "search_required"
    search_context: Literal["low", "medium", "high"] = "low"
    price_usd: Decimal = Field(default=Decimal("0.02"), gt=0)
    most_usd: Decimal | None = Field(default=None, gt=0)
    search_fee_usd: Decimal = Field(default=Decimal(0), ge=0)
    max_output_tokens: int = Field(default=2048, ge=16, le=65536)
    timeout_seconds: float = Field(default=120, gt=0, le=900)
    concurrency: int = Field(default=4, ge=1, le=100)
    per_minute: int = Field(default=60, ge=1, le=6000)
    attempts: int = Field(default=3, ge=1, le=6)

    @field_validator("key")
    @classmethod
    def _variable(cls, key: str | None) -> str | None:
        if key is not None and not re.fullmatch(r"[A-Z_][A-Z0-9_]*", key):
            raise ValueError(
                "this must be the name of an environment variable in capital letters, for example OPENAI_API_KEY; if it"
                " is the secret itself, take it out of this file and replace it at the provider"
            )
        return key

    @field_validator("model")
    @classmethod
    def _with_provider(cls, model: str | None) -> str | None:
        if model is not None and not re.fullmatch(r"[a-z_]+/\S+", model):
            raise ValueError("write provider and model, for example openai/gpt-5-mini")
        return model

    @model_validator(mode="after")
    def _complete(self) -> Engine:
        if self.model and not self.key:
            raise ValueError(
                f"engine {self.name} has a model and no key; name the environment variable that holds the secret,"
                " for example key: OPENAI_API_KEY"
            )
        if self.most_usd is not None and self.most_usd < self.price_usd:
            raise ValueError(f"most_usd {self.most_usd} is below price_usd {self.price_usd}")
        if self.model and self.by_route == "gemini" and self.contract == "search_required":
            raise ValueError(f"engine {self.name}: Gemini cannot be made to search; write contract: native_auto")
        return self

    @property
    def by_route(self) -> Route:
        """The shape of request and answer: as set, else by the model's provider."""
        provider = (self.model or "").split("/")[0]
        return ROUTES.get(provider, "chat") if self.route == "auto" else self.route

    @property
    def ceiling_usd(self) -> Decimal:
        """What one answer can cost at most: as set, else five times the usual price."""
        return self.most_usd or 5 * self.price_usd


class Sampling(_Part):
    """How often the panel is asked: `repeats` per prompt and engine on each of `days` of a week.

    `aa_prompts` are asked twice more within the hour on the first of these days: the difference between two such
    answers is the noise that no change can explain.
    """

    days: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    repeats: int = Field(default=1, ge=1, le=50)
    aa_prompts: int = Field(default=10, ge=0, le=100)

    @field_validator("days")
    @classmethod
    def _once(cls, days: tuple[Weekday, ...]) -> tuple[Weekday, ...]:
        if not days or len(set(days)) < len(days):
            raise ValueError("name at least one day, and each once, for example [mon, wed, fri]")
        return days


class BrandFact(_Part):
    """One version of one fact that answers may get right or wrong: a number (`value`) or a feature (`true`).

    `cues` are the words by which a claim is recognised, `denials` those that deny a feature. `brand` is ours unless
    named. Keep an outdated version with its `valid_to`: who repeats it is then outdated, not inventing.
    """

    fact_id: Name
    brand: str | None = None
    cues: tuple[str, ...] = Field(min_length=1)
    value: float | None = None
    true: bool = True
    denials: tuple[str, ...] = ()
    severity: Literal["low", "medium", "high"] = "medium"
    valid_from: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> BrandFact:
        if self.value is not None and self.denials:
            raise ValueError(f"fact {self.fact_id} has a value and denials; a number has no denials")
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError(f"fact {self.fact_id}: valid_to {self.valid_to} is before valid_from {self.valid_from}")
        return self


class AiPanel(_Part):
    """Engines, brands and design of the AI-answer panel; the prompts themselves are files in landing/ai_panel.

    `control_brand` is a made-up name that no answer should hold: where it is found, the matcher or the engine
    invents. `period` is how long a panel stays frozen. `aliases` are other spellings of a brand, `namesakes` phrases
    in which its name means something else, `facts` the versioned sheet against which claims are checked.
    """

    engines: tuple[Engine, ...] = ()
    brands: tuple[str, ...] = ()
    control_brand: str | None = None
    competitor_domains: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    earned_domains: tuple[str, ...] = ()
    aliases: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    namesakes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    facts: tuple[BrandFact, ...] = ()
    category: Words | None = None
    problem: Words | None = None
    integrations: tuple[str, ...] = ()
    markets: tuple[Market, ...] = (Market(),)
    personas: tuple[Persona, ...] = ()
    sampling: Sampling = Sampling()
    period: Literal["month", "quarter"] = "quarter"

    @property
    def looked_for(self) -> tuple[str, ...]:
        """Every name that is looked for in an answer: the brands and the made-up control."""
        return (*self.brands, self.control_brand) if self.control_brand else self.brands

    @field_validator("engines", mode="before")
    @classmethod
    def _by_name(cls, engines: object) -> object:
        """A plain name is an engine whose answers come from files."""
        if not isinstance(engines, list | tuple):
            return engines
        return tuple({"name": e} if isinstance(e, str) else e for e in engines)

    @model_validator(mode="after")
    def _consistent(self) -> AiPanel:
        for what, names in (
            ("engine", [e.name for e in self.engines]),
            ("persona", [p.name for p in self.personas]),
        ):
            twice = sorted({n for n in names if names.count(n) > 1})
            if twice:
                raise ValueError(f"{what} {twice[0]} is listed twice; keep one entry")
        for key, listed in (
            ("competitor_domains", set(self.competitor_domains)),
            ("aliases", set(self.aliases)),
            ("namesakes", set(self.namesakes)),
            ("facts", {fact.brand for fact in self.facts if fact.brand}),
        ):
            if strangers := sorted(listed - set(self.brands)):
                raise ValueError(f"{key} names {strangers[0]}, which is not in brands; add it there")
        if self.control_brand and self.control_brand.casefold() in {b.casefold() for b in self.brands}:
            raise ValueError(f"control_brand {self.control_brand} is one of brands; a control must be a made-up name")
        return self


class Llm(_Part):
    """Caps on paid calls of language models, in US dollars; 0 means that no call is made.

    `purpose_caps` narrows the daily cap for one purpose: collect (the panel), extract and judge (labels).
    """

    models: tuple[str, ...] = ()
    daily_cap: Decimal = Field(default=Decimal(0), ge=0)
    monthly_cap: Decimal = Field(default=Decimal(0), ge=0)
    purpose_caps: dict[PurposeOfCall, Annotated[Decimal, Field(ge=0)]] = Field(default_factory=dict)
