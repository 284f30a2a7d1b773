"""Salesforce: report exports, Data Loader files and the Fivetran landing of opportunities, stages, people and campaigns.

Ids are stored in their 18-character form; the short form of 15 is case-sensitive and gets its check characters here.
"""

# ruff: noqa: E501 - one field per line: headers read as a table
from __future__ import annotations

import polars as pl

from dagster_project.sources.contract import Broken, Context, Entity, Field, Finish, Shape, Source

OPPORTUNITY = Entity(
    "salesforce__opportunity",
    (
        ("opportunity_id", "id"),
        ("name_key", "text"),
        ("account_id", "id"),
        ("stage", "text"),
        ("amount", "money"),
        ("currency", "currency"),
        ("created_at", "instant"),
        ("closed_at", "instant"),
        ("is_closed", "flag"),
        ("is_won", "flag"),
        ("is_deleted", "flag"),
        ("deal_type", "text"),
        ("lead_source", "text"),
        ("campaign_id", "id"),
        ("updated_at", "instant"),
    ),
)
STAGE = Entity(
    "salesforce__opportunity_stage",
    (
        ("history_id", "id"),
        ("opportunity_id", "id"),
        ("stage", "text"),
        ("entered_at", "instant"),
        ("amount", "money"),
        ("is_deleted", "flag"),
    ),
)
PERSON = Entity(
    "salesforce__person",
    (
        ("person_type", "text"),
        ("person_id", "id"),
        ("email_hash", "text"),
        ("email_domain", "text"),
        ("account_id", "id"),
        ("created_at", "instant"),
        ("lead_source", "text"),
        ("status", "text"),
        ("converted_at", "instant"),
        ("converted_contact_id", "id"),
        ("converted_opportunity_id", "id"),
        ("self_reported", "text"),
        ("is_deleted", "flag"),
    ),
)
ACCOUNT = Entity(
    "salesforce__account",
    (
        ("account_id", "id"),
        ("name_key", "text"),
        ("website", "text"),
        ("industry", "text"),
        ("country", "text"),
        ("parent_id", "id"),
        ("created_at", "instant"),
        ("is_deleted", "flag"),
    ),
)
MEMBER = Entity(
    "salesforce__campaign_member",
    (
        ("member_id", "id"),
        ("campaign_id", "id"),
        ("person_id", "id"),
        ("status", "text"),
        ("has_responded", "flag"),
        ("first_responded_on", "day"),
        ("created_at", "instant"),
        ("is_deleted", "flag"),
    ),
)
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def long_id(text: str) -> str | None:
    """The 18-character id: as delivered if its check characters fit, made from 15; None for anything else."""
    if len(text) not in (15, 18) or not text.isalnum() or not text.isascii():
        return None
    blocks = (text[i : i + 5] for i in (0, 5, 10))
    check = "".join(_CHECK[sum(1 << i for i, c in enumerate(block) if c.isupper())] for block in blocks)
    if len(text) == 15:
        return text + check
    return text if text[15:].upper() == check else None


NOT_MODELLED = (
    "landed in raw.salesforce__*, which no mart reads yet: these records count nowhere; deliver deals as a HubSpot export"
    " or as orders for them to count"
)


def _with_long_ids(table: str, own: str, header: str, person: str | None = None) -> Finish:
    def finish(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
        """Own ids must be whole; ids of other objects stay as delivered where a connector has hashed them."""
        for column in [c for c in good.columns if c.endswith("_id")]:
            long_ids = pl.Series(column, [long_id(t) if t else None for t in good[column]], dtype=pl.String)
            good = good.with_columns(
                pl.coalesce(long_ids, pl.col(column)).alias(column), long_ids.is_null().alias(f"bad.{column}")
            )
        bad = good.filter(pl.col(f"bad.{own}"))
        why = (
            "is no Salesforce id of 15 or 18 characters with matching check characters; export the column again as text"
        )
        broken = [Broken(row, header, value, "bad_id", why) for row, value in bad.select("_row", own).iter_rows()]
        ctx.notices.append(NOT_MODELLED)
        if person:
            good = good.with_columns(person_type=pl.lit(person))
        return {table: good}, broken

    return finish


_DELETED = Field("is_deleted", "flag", ("is_deleted", "IsDeleted"))
_EMAIL = (Field("email_hash", "email", ("email",), required=True), Field("email_domain", "domain", ("email",)))
_ANSWER = Field(
    "self_reported",
    "answer",
    ("how_did_you_hear_about_us_c", "How_did_you_hear_about_us__c", "how did you hear about us?"),
)
_OPPORTUNITY = (
    Field("name_key", "name", ("name", "opportunity name")),
    Field("account_id", "id", ("account_id", "AccountId", "account id")),
    Field("stage", "text", ("stage_name", "StageName", "stage"), required=True),
    Field("amount", "money", ("amount",), required=True),
    Field("currency", "currency", ("currency_iso_code", "CurrencyIsoCode", "amount currency", "opportunity currency")),
    Field("created_at", "instant", ("created_date", "CreatedDate")),
    Field("closed_at", "instant", ("close_date", "CloseDate"), required=True, future=True),
    Field("is_closed", "flag", ("is_closed", "IsClosed", "closed")),
    Field("is_won", "flag", ("is_won", "IsWon", "won")),
    _DELETED,
    Field("deal_type", "text", ("type",)),
    Field("lead_source", "text", ("lead_source", "LeadSource")),
    Field("campaign_id", "id", ("campaign_id", "CampaignId")),
    Field("updated_at", "instant", ("system_modstamp", "SystemModstamp", "_fivetran_synced"), future=True),
)
SHAPES = (
    Shape(
        "report:opportunities",
        "salesforce__opportunity",
        fields=(Field("opportunity_id", "id", ("opportunity id",), required=True, filled=True), *_OPPORTUNITY),
        key=("opportunity_id",),
        language="en",
        date_order="mdy",
        currency_from="report",
        keeps_unknown=False,
        without=("is_deleted",),
        finish=_with_long_ids("salesforce__opportunity", "opportunity_id", "Opportunity ID"),
    ),
    Shape(
        "object:opportunity",
        "salesforce__opportunity",
        fields=(Field("opportunity_id", "id", ("id",), required=True, filled=True), *_OPPORTUNITY),
        point_decimal=True,
        currency_from="report",
        keeps_unknown=False,
        without=("_fivetran_start", "opportunity_id", "OpportunityId"),
        finish=_with_long_ids("salesforce__opportunity", "opportunity_id", "id"),
    ),
    Shape(
        "object:opportunity_history",
        "salesforce__opportunity_stage",
        fields=(
            Field("history_id", "id", ("id",), required=True, filled=True),
            Field("opportunity_id", "id", ("OpportunityId", "opportunity_id"), required=True, filled=True),
            Field("stage", "text", ("StageName", "stage_name"), required=True, filled=True),
            Field("entered_at", "instant", ("CreatedDate", "created_date"), required=True, filled=True),
            Field("amount", "money", ("amount",)),
            _DELETED,
        ),
        key=("history_id",),
        point_decimal=True,
        keeps_unknown=False,
        without=("_fivetran_start",),
        finish=_with_long_ids("salesforce__opportunity_stage", "opportunity_id", "OpportunityId"),
    ),
    Shape(
        "object:contact",
        "salesforce__person",
        fields=(
            Field("person_id", "id", ("id", "contact id"), required=True, filled=True),
            *_EMAIL,
            Field("account_id", "id", ("account_id", "AccountId"), required=True),
            Field("created_at", "instant", ("created_date", "CreatedDate")),
            Field("lead_source", "text", ("lead_source", "LeadSource")),
            _ANSWER,
            _DELETED,
        ),
        point_decimal=True,
        keeps_unknown=False,
        without=("_fivetran_start", "is_converted", "IsConverted", "profile_id", "ProfileId", "username"),
        finish=_with_long_ids("salesforce__person", "person_id", "id", "contact"),
    ),
    Shape(
        "object:lead",
        "salesforce__person",
        fields=(
            Field("person_id", "id", ("id", "lead id"), required=True, filled=True),
            *_EMAIL,
            Field("converted", "flag", ("is_converted", "IsConverted"), required=True, stored=False),
            Field("account_id", "id", ("converted_account_id", "ConvertedAccountId")),
            Field("converted_contact_id", "id", ("converted_contact_id", "ConvertedContactId")),
            Field("converted_opportunity_id", "id", ("converted_opportunity_id", "ConvertedOpportunityId")),
            Field("converted_at", "instant", ("converted_date", "ConvertedDate")),
            Field("created_at", "instant", ("created_date", "CreatedDate")),
            Field("lead_source", "text", ("lead_source", "LeadSource")),
            Field("status", "text", ("status",)),
            _ANSWER,
            _DELETED,
        ),
        point_decimal=True,
        keeps_unknown=False,
        without=("_fivetran_start",),
        finish=_with_long_ids("salesforce__person", "person_id", "id", "lead"),
    ),
    Shape(
        "object:account",
        "salesforce__account",
        fields=(
            Field("account_id", "id", ("id", "account id"), required=True, filled=True),
            Field("name_key", "name", ("name", "account name"), required=True),
            Field("website", "text", ("website",), required=True),
            Field("industry", "text", ("industry",), required=True),
            Field("country", "text", ("billing_country", "BillingCountry", "billing country")),
            Field("parent_id", "id", ("parent_id", "ParentId"), required=True),
            Field("created_at", "instant", ("created_date", "CreatedDate")),
            _DELETED,
        ),
        point_decimal=True,
        keeps_unknown=False,
        without=("_fivetran_start",),
        finish=_with_long_ids("salesforce__account", "account_id", "id"),
    ),
    Shape(
        "object:campaign_member",
        "salesforce__campaign_member",
        fields=(
            Field("member_id", "id", ("id",), required=True, filled=True),
            Field("campaign_id", "id", ("campaign_id", "CampaignId"), required=True, filled=True),
            Field("person_id", "id", ("lead_or_contact_id", "LeadOrContactId"), required=True),
            Field("status", "text", ("status",)),
            Field("has_responded", "flag", ("has_responded", "HasResponded"), required=True),
            Field("first_responded_on", "day", ("first_responded_date", "FirstRespondedDate")),
            Field("created_at", "instant", ("created_date", "CreatedDate")),
            _DELETED,
        ),
        point_decimal=True,
        keeps_unknown=False,
        finish=_with_long_ids("salesforce__campaign_member", "member_id", "id"),
    ),
    Shape(
        "fivetran:history_mode",
        unused="a history-mode table starts on the day the mode was switched on, so its dates are no stage dates",
        fields=(
            Field("start", "text", ("_fivetran_start",), required=True),
            Field("synced", "text", ("_fivetran_synced",), required=True),
            Field("own", "text", ("id",), required=True),
        ),
    ),
    Shape(
        "fivetran:other",
        unused="Plumbline has no reader for this Salesforce table; opportunities, their history, contacts, leads, accounts and campaign members are read",
        fields=(Field("synced", "text", ("_fivetran_synced",), required=True),),
    ),
)
SOURCE = Source("salesforce", (OPPORTUNITY, STAGE, PERSON, ACCOUNT, MEMBER), SHAPES)
