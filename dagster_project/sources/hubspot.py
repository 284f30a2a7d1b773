"""HubSpot: the portal's exports of deals, contacts and companies, answers of forms, and the Fivetran landing.

Names and addresses of persons end here: companies and deals keep a key of their name, contacts a keyed hash.
"""

# ruff: noqa: E501 - one field per line: headers read as a table
from __future__ import annotations

import json
import re

import polars as pl

from dagster_project.sources import values
from dagster_project.sources.contract import Broken, Context, Entity, Field, Shape, Source

DEAL = Entity(
    "hubspot__deal",
    (
        ("deal_id", "id"),
        ("name_key", "text"),
        ("pipeline", "text"),
        ("stage", "text"),
        ("amount", "money"),
        ("currency", "currency"),
        ("created_at", "instant"),
        ("closed_at", "instant"),
        ("company_ids", "ids"),
        ("contact_ids", "ids"),
        ("geo", "text"),
        ("deal_type", "text"),
        ("is_deleted", "flag"),
        ("original_source", "text"),
    ),
)
STAGE = Entity(
    "hubspot__deal_stage",
    (("deal_id", "id"), ("pipeline", "text"), ("stage", "text"), ("entered_at", "instant"), ("left_at", "instant")),
)
CONTACT = Entity(
    "hubspot__contact",
    (
        ("contact_id", "id"),
        ("email_hash", "text"),
        ("email_domain", "text"),
        ("created_at", "instant"),
        ("lifecycle_stage", "text"),
        ("company_ids", "ids"),
        ("country", "text"),
        ("self_reported", "text"),
        ("is_deleted", "flag"),
    ),
)
COMPANY = Entity(
    "hubspot__company",
    (
        ("company_id", "id"),
        ("name_key", "text"),
        ("domain", "text"),
        ("industry", "text"),
        ("country", "text"),
        ("created_at", "instant"),
        ("is_deleted", "flag"),
    ),
)
ANSWER = Entity(
    "hubspot__form_answer",
    (
        ("answer_id", "id"),
        ("answered_at", "instant"),
        ("contact_id", "id"),
        ("email_hash", "text"),
        ("question", "text"),
        ("answer", "text"),
        ("form", "text"),
        ("page_url", "text"),
    ),
)
LINK = Entity(
    "hubspot__link",
    (("kind", "text"), ("from_id", "id"), ("to_id", "id"), ("type_id", "text"), ("linked_at", "instant")),
)
QUESTIONS = (
    "how did you hear about us?",
    "how did you hear about us",
    "self-reported source",
    "self reported attribution",
)
_ENTERED = re.compile(r'^date (entered|exited) "(.+?)(?: \(([^()]*)\))?"$', re.IGNORECASE)
_ENTERED_ID = re.compile(r"^hs_(?:v2_)?date_(entered|exited)_(.+)$", re.IGNORECASE)


def _deals(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    """Deals, and one row for each stage whose date columns are filled."""
    stages, broken = _stage_dates(good, ctx) if "_rest" in good.columns else (None, [])
    good = _kept(good)
    frames = {"hubspot__deal": good}
    if stages is not None:
        frames["hubspot__deal_stage"] = stages
    return frames, broken


def _kept(good: pl.DataFrame) -> pl.DataFrame:
    """Rows of an export are alive: HubSpot leaves deleted records out."""
    return good if "is_deleted" in good.columns else good.with_columns(is_deleted=pl.lit(False))


def _stage_dates(good: pl.DataFrame, ctx: Context) -> tuple[pl.DataFrame, list[Broken]]:
    entries: dict[tuple[int, str, str | None, str], dict[str, tuple[str, str]]] = {}
    pipelines = good["pipeline"] if "pipeline" in good.columns else pl.Series([None] * good.height, dtype=pl.String)
    for row, deal, own, rest in zip(good["_row"], good["deal_id"], pipelines, good["_rest"], strict=True):
        for header, text in json.loads(rest or "{}").items():
            named = _ENTERED.match(header) or _ENTERED_ID.match(header)
            if named and text and text.strip().lower() not in values.NULLS:
                pipeline = named[3] if named.re is _ENTERED and named[3] else own
                entries.setdefault((row, deal, pipeline, named[2]), {})[named[1].lower()] = (header, text.strip())
    lines = [
        (*key, when.get("entered", ("", None))[1], when.get("exited", ("", None))[1]) for key, when in entries.items()
    ]
    schema = ["_row", "deal_id", "pipeline", "stage", "entered", "left"]
    types = {n: pl.Int64 if n == "_row" else pl.String for n in schema}
    frame = pl.DataFrame(lines, schema=types, orient="row")
    order = ctx.options.date_order
    frame = frame.with_columns(
        values.instants(frame["entered"], order).alias("entered_at"),
        values.instants(frame["left"], order).alias("left_at"),
    )
    broken = []
    for text, moment, kind in (("entered", "entered_at", "entered"), ("left", "left_at", "exited")):
        unread = frame.filter(pl.col(text).is_not_null() & pl.col(moment).is_null())
        broken += [
            Broken(r, f'Date {kind} "{s}"', v, "bad_date", "is not a date; write it as 2026-11-03 09:14")
            for r, s, v in unread.select("_row", "stage", text).iter_rows()
        ]
        late = frame.filter(pl.col(moment) > ctx.now)
        broken += [
            Broken(
                r, f'Date {kind} "{s}"', v, "future_day", f"lies after {ctx.now:%Y-%m-%d %H:%M} UTC; correct the date"
            )
            for r, s, v in late.select("_row", "stage", text).iter_rows()
        ]
    return frame.drop("entered", "left"), broken


def _stage_rows(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    """Rows of the history table; an end in 2050 or later is the connector's way to say that the stage is open."""
    if "left_at" in good.columns:
        over = pl.col("left_at").dt.year() < 2050
        good = good.with_columns(left_at=pl.when(over).then(pl.col("left_at")))
    return {"hubspot__deal_stage": good}, []


NATIVE = (
    Shape(
        "native:deals",
        "hubspot__deal",
        fields=(
            Field(
                "deal_id",
                "id",
                ("record id", "deal id", "record id - deal"),
                {"de": ("datensatz-id",)},
                required=True,
                filled=True,
            ),
            Field("name_key", "name", ("deal name",), {"de": ("deal-name",)}, required=True),
            Field("pipeline", "text", ("pipeline",)),
            Field("stage", "text", ("deal stage",), {"de": ("deal-phase",)}, required=True, filled=True),
            Field("amount", "money", ("amount",), {"de": ("betrag",)}),
            Field("currency", "currency", ("currency",), {"de": ("währung",)}),
            Field("created_at", "instant", ("create date",), {"de": ("erstellungsdatum",)}),
            Field("closed_at", "instant", ("close date",), {"de": ("abschlussdatum",)}, future=True),
            Field("company_ids", "ids", ("associated company ids", "associated company id")),
            Field("contact_ids", "ids", ("associated contact ids", "associated contact id")),
            Field("geo", "text", ("region", "geo", "country/region")),
            Field("deal_type", "text", ("deal type",)),
            Field("original_source", "text", ("original source", "original traffic source")),
            Field("company", "text", ("associated company",), stored=False),
        ),
        key=("deal_id",),
        language="en",
        currency_from="report",
        finish=_deals,
        rest_to="_rest",
        keeps_unknown=False,
    ),
    Shape(
        "native:contacts",
        "hubspot__contact",
        fields=(
            Field(
                "contact_id",
                "id",
                ("record id", "contact id", "record id - contact"),
                {"de": ("datensatz-id",)},
                required=True,
                filled=True,
            ),
            Field("email_hash", "email", ("email", "e-mail"), {"de": ("e-mail",)}, required=True),
            Field("email_domain", "domain", ("email", "e-mail"), {"de": ("e-mail",)}),
            Field("created_at", "instant", ("create date",), {"de": ("erstellungsdatum",)}),
            Field("lifecycle_stage", "text", ("lifecycle stage",), {"de": ("lifecycle-phase",)}),
            Field(
                "company_ids",
                "ids",
                ("associated company ids", "associated company id", "primary associated company id"),
            ),
            Field("country", "text", ("country/region", "country"), {"de": ("land/region",)}),
            Field("self_reported", "answer", QUESTIONS),
        ),
        key=("contact_id",),
        language="en",
        keeps_unknown=False,
        finish=lambda good, ctx: ({"hubspot__contact": _kept(good)}, []),
    ),
    Shape(
        "native:companies",
        "hubspot__company",
        fields=(
            Field(
                "company_id",
                "id",
                ("record id", "company id", "record id - company"),
                {"de": ("datensatz-id",)},
                required=True,
                filled=True,
            ),
            Field("name_key", "name", ("company name", "name"), {"de": ("unternehmensname",)}, required=True),
            Field("domain", "text", ("company domain name",), {"de": ("unternehmens-domain-name",)}, required=True),
            Field("industry", "text", ("industry",), {"de": ("branche",)}),
            Field("country", "text", ("country/region", "country"), {"de": ("land/region",)}),
            Field("created_at", "instant", ("create date",), {"de": ("erstellungsdatum",)}),
        ),
        key=("company_id",),
        language="en",
        keeps_unknown=False,
        finish=lambda good, ctx: ({"hubspot__company": _kept(good)}, []),
    ),
    Shape(
        "form_answers",
        "hubspot__form_answer",
        fields=(
            Field("answer_id", "id", ("answer_id",), required=True, filled=True),
            Field("answered_at", "instant", ("answered_at",), required=True, filled=True),
            Field("contact_id", "id", ("contact_id", "lead_id")),
            Field("email_hash", "email", ("person_email", "email")),
            Field("question", "text", ("question",)),
            Field("answer", "answer", ("answer",), required=True),
            Field("form", "text", ("form",)),
            Field("page_url", "url", ("page_url",)),
        ),
        key=("answer_id",),
        keeps_unknown=False,
    ),
)
FIVETRAN = (
    Shape(
        "fivetran:deal",
        "hubspot__deal",
        fields=(
            Field("deal_id", "id", ("deal_id",), required=True, filled=True),
            Field("is_deleted", "flag", ("is_deleted", "_fivetran_deleted")),
            Field("pipeline", "text", ("deal_pipeline_id",), required=True),
            Field("stage", "text", ("deal_pipeline_stage_id",), required=True),
            Field("name_key", "name", ("property_dealname",)),
            Field("amount", "money", ("property_amount",)),
            Field("currency", "currency", ("property_deal_currency_code",)),
            Field("created_at", "instant", ("property_createdate",)),
            Field("closed_at", "instant", ("property_closedate",), future=True),
            Field("deal_type", "text", ("property_dealtype",)),
            Field("original_source", "text", ("property_hs_analytics_source",)),
        ),
        point_decimal=True,
        currency_from="report",
        keeps_unknown=False,
    ),
    Shape(
        "fivetran:deal_stage",
        "hubspot__deal_stage",
        fields=(
            Field("deal_id", "id", ("deal_id",), required=True, filled=True),
            Field("stage", "text", ("value",), required=True, filled=True),
            Field("entered_at", "instant", ("date_entered",), required=True, filled=True),
            Field("left_at", "instant", ("_fivetran_end",), future=True),
        ),
        point_decimal=True,
        keeps_unknown=False,
        finish=_stage_rows,
    ),
    Shape(
        "fivetran:contact",
        "hubspot__contact",
        fields=(
            Field("contact_id", "id", ("id",), required=True, filled=True),
            Field("email_hash", "email", ("property_email",), required=True),
            Field("email_domain", "domain", ("property_email",)),
            Field("is_deleted", "flag", ("_fivetran_deleted", "is_deleted")),
            Field("created_at", "instant", ("property_createdate",)),
            Field("lifecycle_stage", "text", ("property_lifecyclestage",)),
            Field("company_ids", "ids", ("property_associatedcompanyid",)),
            Field("country", "text", ("property_country",)),
            Field("self_reported", "answer", ("property_how_did_you_hear_about_us", "property_self_reported_source")),
        ),
        point_decimal=True,
        keeps_unknown=False,
    ),
    Shape(
        "fivetran:company",
        "hubspot__company",
        fields=(
            Field("company_id", "id", ("id",), required=True, filled=True),
            Field("name_key", "name", ("property_name",), required=True),
            Field("domain", "text", ("property_domain",)),
            Field("industry", "text", ("property_industry",)),
            Field("country", "text", ("property_country",)),
            Field("created_at", "instant", ("property_createdate",)),
            Field("is_deleted", "flag", ("is_deleted", "_fivetran_deleted")),
        ),
        point_decimal=True,
        keeps_unknown=False,
    ),
    *(
        Shape(
            f"fivetran:{table}",
            "hubspot__link",
            constants={"kind": kind},
            fields=(
                Field("from_id", "id", (start,), required=True, filled=True),
                Field("to_id", "id", (end,), required=True, filled=True),
                Field("type_id", "text", ("type_id",)),
                Field("linked_at", "instant", ("timestamp", "_fivetran_synced"), future=True),
            ),
            point_decimal=True,
            keeps_unknown=False,
            without=("engagement_id", "ticket_id"),
        )
        for table, kind, start, end in (
            ("deal_company", "deal_company", "deal_id", "company_id"),
            ("deal_contact", "deal_contact", "deal_id", "contact_id"),
            ("contact_merge_audit", "contact_merge", "vid_to_merge", "canonical_vid"),
        )
    ),
    Shape(
        "fivetran:form",
        unused="a list of forms; which contact sent one when is in contact_form_submission",
        fields=(Field("guid", "text", ("guid",), required=True), Field("form", "text", ("form_type",), required=True)),
    ),
    Shape(
        "fivetran:other",
        unused="Plumbline has no reader for this HubSpot table; deals, stages, contacts, companies and their links are read",
        fields=(Field("synced", "text", ("_fivetran_synced",), required=True),),
    ),
)

SOURCE = Source("hubspot", (DEAL, STAGE, CONTACT, COMPANY, ANSWER, LINK), (*NATIVE, *FIVETRAN))
