"""What each remaining source keeps of its files, and what of persons it does not."""

# ruff: noqa: E501 - files and cases read best one a line
from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal

import pytest

from dagster_project.sources import privacy
from dagster_project.sources.read import Delivery
from dagster_project.workspace.settings import Settings

DEALS = '''Record ID,Deal Name,Pipeline,Deal Stage,Amount,Currency,Create Date,Close Date,"Date entered ""Proposal (Sales Pipeline)""","Date entered ""Closed Won (Sales Pipeline)""",Associated Company IDs,Associated Contact IDs
9100000001,Acme 2027,Sales Pipeline,Closed Won,48000,EUR,2026-06-02 09:14,2026-09-01 16:40,2026-07-10 11:00,2026-09-01 16:40,7001;7002,501;502
'''
GA4 = r'{"event_date":"20260901","event_timestamp":"1788220800123456","event_name":"session_start","event_params":[{"key":"ga_session_id","value":{"int_value":"1788220800"}},{"key":"page_location","value":{"string_value":"https://acme.example/?gclid=Cj0K\u0026utm_source=x\u0026email=jane%40acme.example"}}],"user_pseudo_id":"111.222","user_id":"Jane@acme.example","privacy_info":{"analytics_storage":"Yes","ads_storage":"Yes"},"collected_traffic_source":{"manual_source":"x","gclid":"Cj0K"},"stream_id":"5000000001","platform":"WEB"}'


def only(found: Delivery, table: str) -> dict[str, object]:
    assert found.status == "landed", found.quarantine["message"].to_list()
    return found.frames[table].row(0, named=True)


def test_hubspot_deals_and_the_stages_their_columns_hold(deliver, pepper):
    found = deliver("hubspot", DEALS)
    deal = only(found, "hubspot__deal")
    assert (deal["deal_id"], deal["stage"], deal["amount"], deal["company_ids"]) == (
        "9100000001",
        "Closed Won",
        Decimal(48000),
        "7001;7002",
    )
    assert deal["name_key"] == privacy.name_key("ACME  2027", pepper)
    stages = found.frames["hubspot__deal_stage"].select("deal_id", "pipeline", "stage", "entered_at").rows()
    assert stages == [
        ("9100000001", "Sales Pipeline", "Proposal", datetime(2026, 7, 10, 11)),
        ("9100000001", "Sales Pipeline", "Closed Won", datetime(2026, 9, 1, 16, 40)),
    ]


def test_a_stage_entered_in_the_future_is_refused(deliver):
    found = deliver("hubspot", DEALS.replace("2026-07-10 11:00", "2027-07-10 11:00"))
    assert found.quarantine.select("row", "column", "rule").rows() == [(2, 'Date entered "Proposal"', "future_day")]


def test_hubspot_contacts_keep_a_key_and_a_domain(deliver, pepper):
    text = (
        "Record ID,First Name,Last Name,Email,Lifecycle Stage,Create Date,How did you hear about us?\n"
        "501,Jane,Doe,Jane.Doe+news@Acme.example,lead,2026-06-02 09:14,jane.doe@acme.example told me\n"
        "502,Joe,Bloggs,joe at acme,lead,2026-06-02 09:14,a podcast\n"
    )
    found = deliver("hubspot", text)
    contact = only(found, "hubspot__contact")
    assert contact["email_hash"] == privacy.email_hash("jane.doe@acme.example", pepper)
    assert contact["email_domain"] == "acme.example"
    assert contact["self_reported"] == "[e-mail removed] told me"
    assert found.frames["hubspot__contact"]["email_hash"][1] is None, "a mistyped address does not cost the contact"
    assert any("no e-mail address" in n for n in found.notices)


def test_a_ga4_line_keeps_its_click_and_loses_its_person(deliver, pepper):
    event = only(deliver("ga4", GA4, "events.jsonl"), "ga4")
    assert (event["event_date"], event["event_timestamp"]) == (date(2026, 9, 1), 1788220800123456)
    assert (event["ga_session_id"], event["click_id_type"], event["click_id"], event["source"]) == (
        "1788220800",
        "gclid",
        "Cj0K",
        "x",
    )
    assert event["page_location"] == "https://acme.example/?gclid=Cj0K&utm_source=x"
    assert event["user_key"] == privacy.email_hash("jane@acme.example", pepper)


def test_a_click_id_without_consent_for_advertising_is_only_a_kind(deliver):
    refused = GA4.replace('"ads_storage":"Yes"', '"ads_storage":"No"')
    event = only(deliver("ga4", refused, "events.jsonl"), "ga4")
    assert (event["click_id_type"], event["click_id"]) == ("gclid", None)
    assert "Cj0K" not in str(event["page_location"])


def test_nested_parquet_reads_like_json_lines(deliver):
    import io

    import polars as pl

    record = json.loads(GA4)
    for param in record["event_params"]:
        value = param["value"]
        param["value"] = {
            "string_value": value.get("string_value"), "int_value": int(value["int_value"]) if "int_value" in value else None,
            "float_value": None, "double_value": None,
        }  # fmt: skip
    record["event_timestamp"] = int(record["event_timestamp"])
    buffer = io.BytesIO()
    pl.DataFrame([record]).write_parquet(buffer)
    wrapped = {**record, "event_params": [{"element": p} for p in record["event_params"]]}
    other = io.BytesIO()
    pl.DataFrame([wrapped]).write_parquet(other)
    expected = deliver("ga4", GA4, "a.jsonl").frames["ga4"]
    assert deliver("ga4", buffer.getvalue(), "a.parquet").frames["ga4"].equals(expected)
    assert deliver("ga4", other.getvalue(), "b.parquet").frames["ga4"].equals(expected)


def test_an_ai_answer_is_read_and_its_text_forgotten(deliver):
    settings = Settings.model_validate(
        {"ai": {"brands": ["Acme", "Rival"]}, "company": {"own_domains": ["acme.example"]}}
    )
    answer = {
        "prompt_id": "p1", "prompt_text": "best tool?", "engine": "openai", "surface": "api", "locale": "en", "requested_at": "2026-09-01T10:00:00Z",
        "day_slot": "2026-09-01", "replicate": 1, "status": "ok", "text": "RIVAL first, then Acme. Not Acmeland.",
        "sources": [{"url": "https://www.blog.acme.example/a"}, {"url": "https://reddit.com/r/x"}], "cost_usd": 0.0125,
    }  # fmt: skip
    found = deliver("ai_answers", json.dumps(answer), "a.jsonl", settings=settings)
    row = only(found, "ai_answers")
    assert json.loads(str(row["brands"])) == ["Rival", "Acme"]
    assert json.loads(str(row["cited_domains"])) == ["blog.acme.example", "reddit.com"]
    assert (row["own_cited"], row["searched"], row["cost_usd"], row["replicate"]) == (True, True, Decimal("0.0125"), 1)
    assert len(str(row["text_sha256"])) == 64
    assert "first, then" not in str(row)


def test_an_asked_answer_keeps_what_the_collector_told_and_a_page_only_read_is_not_cited(deliver):
    answer = {
        "prompt_id": "p1", "engine": "openai", "requested_at": "2026-09-01T10:00:00Z", "day_slot": "2026-09-01", "status": "ok",
        "text": "Acme.", "requested_model": "openai/gpt-5-mini", "retrieval_status": "used", "queries": ["best tool"],
        "sources": [{"url": "https://a.example/x", "title": "X", "role": "cited", "rank": 1, "spans": [[0, 5]]}, {"url": "https://b.example", "role": "retrieved"}],
        "attempts": 2, "latency_ms": 840, "search_calls": 1, "cost_source": "provider", "aa_pair": None,
    }  # fmt: skip
    row = only(deliver("ai_answers", json.dumps(answer), "a.jsonl", settings=Settings()), "ai_answers")
    assert json.loads(str(row["cited_domains"])) == ["a.example"]
    assert [s["role"] for s in json.loads(str(row["sources"]))] == ["cited", "retrieved"]
    assert (row["attempts"], row["requested_model"], row["retrieval_status"]) == (2, "openai/gpt-5-mini", "used")
    assert (json.loads(str(row["queries"])), row["searched"], row["aa_pair"]) == (["best tool"], True, None)


def test_content_features_as_object_or_as_columns(deliver):
    csv = "content_id,channel,published_at,feature.hook,feature.length,words\nc1,blog,2026-09-01,question,short,900\n"
    row = only(deliver("content", csv), "content")
    assert json.loads(str(row["features"])) == {"hook": "question", "length": "short"}
    assert json.loads(str(row["_extra"])) == {"words": "900"}
    line = {
        "content_id": "c1",
        "channel": "blog",
        "published_at": "2026-09-01T10:00:00Z",
        "features": {"hook": "question"},
    }
    assert json.loads(str(only(deliver("content", json.dumps(line), "c.jsonl"), "content")["features"])) == {
        "hook": "question"
    }


def test_features_that_are_no_object_refuse_their_row_and_no_other(deliver):
    rows = [{"content_id": str(i), "channel": "blog", "published_at": "2026-09-01", "features": features, "hook": "story"}
            for i, features in enumerate(({"tone": "casual"}, [1, 2]))]  # fmt: skip
    found = deliver("content", "\n".join(json.dumps(row) for row in rows), "c.jsonl")
    assert json.loads(str(only(found, "content")["features"])) == {"hook": "story", "tone": "casual"}
    (refused,) = found.quarantine.to_dicts()
    assert (refused["row"], refused["column"], refused["rule"]) == (2, "features", "bad_json")


def test_events_and_receipts_keep_their_payload_without_addresses(deliver, pepper):
    event = {"event_id": "1", "ts": "2026-09-01T10:00:00Z", "content_id": "c1", "type": "approved", "actor_type": "human",
             "actor_id": "jane@acme.example", "payload": {"note": "ask joe@acme.example", "email": "x@y.org", "rounds": 2}}  # fmt: skip
    row = only(deliver("content_events", json.dumps(event), "e.jsonl"), "content_events")
    assert json.loads(str(row["payload"])) == {"note": "ask [e-mail removed]", "rounds": 2}
    assert row["actor_id"] == privacy.email_hash("jane@acme.example", pepper)
    receipt = {
        "receipt_id": "rcp_" + "a" * 26,
        "brief_id": "b1",
        "variant_id": "b1-v1",
        "offered_at": "2026-09-01T10:00:00Z",
        "arm": "on",
        "p": 0.9,
        "content_sha256": "ab" * 32,
        "agent_note": "asked joe@acme.example",
    }
    row = only(deliver("receipts", json.dumps(receipt), "r.jsonl"), "receipts")
    assert (row["kind"], row["subject_sha256"], row["brief_id"]) == ("exposure", "ab" * 32, "b1")
    assert json.loads(str(row["payload"])) == {"agent_note": "asked [e-mail removed]"}


def test_ledger_debit_and_credit_turn_to_the_normal_side_of_the_kind(deliver):
    settings = Settings.model_validate({"ledger": {"accounts": {"6100": {"kind": "media_spend", "channel": "search"}}}})
    text = (
        "entry_id,posted_on,account_code,kind,debit,credit,currency\n1,2026-01-05,4000,revenue,,1000.10,EUR\n"
        "2,2026-01-05,6100,,250,,EUR\n3,2026-01-05,9999,,5,,EUR\n"
    )
    found = deliver("ledger", text, settings=settings)
    assert found.frames["ledger"]["amount"].to_list() == [Decimal("1000.1"), Decimal(250), Decimal(5)]
    assert [n for n in found.notices if n.startswith("orphan")] == [
        "orphan: account 9999 has no kind (1 entries, 5.000000); map it with ledger.accounts.9999.kind in plumbline.yaml"
    ]


def test_monthly_control_totals_get_an_id_and_equal_bookings_stay_two(deliver):
    monthly = deliver("ledger", "period,kind,channel,amount,currency\n2026-01,media_spend,search,100,EUR\n")
    row = only(monthly, "ledger")
    assert (row["entry_id"], row["posted_on"]) == ("2026-01-media_spend-search", date(2026, 1, 31))
    same = "2026-01-05,6100,100,EUR\n"
    twice = deliver("ledger", "posted_on,account_code,amount,currency\n" + same + same)
    assert twice.rows_landed == 2, "two equal bookings without an id are two bookings"
    assert twice.frames["ledger"]["entry_id"].n_unique() == 2


@pytest.mark.parametrize("names", [("start", "end"), ("start_day", "end_day")])
def test_declared_tests_and_results(deliver, names):
    text = (
        f"experiment_id,channels,design,geos,{names[0]},{names[1]},estimand,value,low,high,level\n"
        "x1,search|social,geo_rct,DE|FR,2026-01-01,2026-01-31,incremental_revenue,100,80,120,0.9\n"
        "x2,search,geo_rct,DE,2027-02-01,2027-02-28,iroas,,,,\n"
    )
    found = deliver("experiments", text)
    rows = found.frames["experiments"]
    assert rows["se"][0] == pytest.approx(40 / (2 * 1.6448536), rel=1e-6), "se of a 90 % interval is its width over 2 z"
    assert rows.select("value", "start_day").row(1) == (None, date(2027, 2, 1)), "a declared test may lie ahead"


def test_panel_and_arms(deliver):
    panel = "experiment_id,geo,day,kpi,spend,arm,period\nx1,DE,2026-01-01,5.5,2,treatment,test\nx1,DE,2026-01-01,6.5,2,treatment,test\n"
    found = deliver("experiments", panel)
    assert found.quarantine["rule"].to_list() == ["key_conflict", "key_conflict"]
    arms = deliver("experiments", "experiment_id,arm,n,sum,sum_sq\nx1,a,100,10.5,20.25\n")
    assert only(arms, "experiments__arm")["sum_sq"] == 20.25


def test_orders_join_people_by_key_and_lose_no_revenue_to_a_mistyped_address(deliver, pepper):
    text = "order_id,ordered_at,person_email,gross,currency,status\nA1,2026-01-05T10:00:00+02:00,Jane@acme.example,10,EUR,paid\nA2,2026-01-05,jane(at)acme,20,EUR,paid\n"
    rows = deliver("revenue", text).frames["revenue__order"]
    assert rows["customer_key"].to_list() == [privacy.email_hash("jane@acme.example", pepper), None]
    assert rows["ordered_at"][0] == datetime(2026, 1, 5, 8)


def test_revenue_needs_only_one_of_value_and_revenue(deliver):
    row = only(deliver("revenue", "date,revenue,currency\n2026-01-05,10.333333333333,EUR\n"), "revenue")
    assert (row["kpi"], row["value"], row["revenue"]) == ("revenue", Decimal("10.333333"), Decimal("10.333333"))
    leads = only(deliver("revenue", "day,kpi,value\n2026-01-05,leads,7\n"), "revenue")
    assert (leads["value"], leads["revenue"]) == (Decimal(7), None), "a count of leads is no money"


def test_hashing_without_a_key_is_refused():
    with pytest.raises(ValueError, match="PLUMBLINE_PEPPER"):
        privacy.email_hash("jane@acme.example", b"")


def test_a_salesforce_report_gets_its_long_id_and_loses_its_footer(deliver):
    text = (
        '"Opportunity ID","Opportunity Name","Account Name","Stage","Amount Currency","Amount","Created Date","Close Date"\n'
        '"0065f00000AbCdE","Acme 2027","Acme","Closed Won","EUR","48,000.00","6/2/2026","9/1/2026"\n'
        '"0065f00000AbCd","Acme 2028","Acme","Closed Won","EUR","48,000.00","6/2/2026","9/1/2026"\n'
        '"Grand Totals (2 records)"\n"Confidential Information - Do Not Distribute"\n'
        '"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."\n'
    )
    found = deliver("salesforce", text)
    assert (found.rows_landed, found.rows_quarantined, found.rows_control) == (1, 1, 3)
    row = only(found, "salesforce__opportunity")
    assert (row["opportunity_id"], row["amount"], row["closed_at"]) == (
        "0065f00000AbCdEAAV",
        Decimal(48000),
        datetime(2026, 9, 1),
    )
    assert found.quarantine["rule"].to_list() == ["bad_id"]


def test_the_check_characters_of_a_salesforce_id():
    from dagster_project.sources.salesforce import long_id

    assert long_id("0011G00000eM9wv") == "0011G00000eM9wvQAC"
    assert long_id("0011G00000eM9wvQAC") == "0011G00000eM9wvQAC"
    assert long_id("0011G00000eM9wvQAA") is None
