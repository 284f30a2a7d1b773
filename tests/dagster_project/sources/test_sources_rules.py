"""Every rule on a minimal file: the quarantine names file, row, column, value and rule, and says what to do."""

# ruff: noqa: E501 - files and cases read best one a line
from __future__ import annotations

import pytest

SPEND = "day,channel,spend,currency\n2026-09-01,search,1.5,EUR\n"
META = "Day,Campaign name,Campaign ID,Amount spent (EUR),Impressions\n2026-09-01,A,120210000000000001,1.50,1\n"
LEDGER = "entry_id,posted_on,account_code,kind,amount,currency\n"
TEST = "experiment_id,channels,design,start,end,estimand,value,low,high,se\n"

ROWS = [
    pytest.param("channel_spend", SPEND + '2026-09-02,search,"1,234.5O",EUR\n', {}, 3, "spend", "1,234.5O", "bad_number", "amount", id="letter in a number"),
    pytest.param("channel_spend", SPEND + "2026-02-30,search,2,EUR\n", {}, 3, "day", "2026-02-30", "bad_date", "2026-11-03", id="a day that is none"),
    pytest.param("channel_spend", SPEND + "2027-09-02,search,2,EUR\n", {}, 3, "day", "2027-09-02", "future_day", "2026-11-21", id="a day to come"),
    pytest.param("channel_spend", SPEND + ",search,2,EUR\n", {}, 3, "day", None, "missing_value", "fill the cell", id="no day"),
    pytest.param("channel_spend", SPEND + "2026-09-02,search,2,EURO\n", {}, 3, "currency", "EURO", "bad_currency", "ISO 4217", id="unknown currency"),
    pytest.param("channel_spend", SPEND + "2026-09-02,search,2,\n", {}, 3, "currency", None, "currency_missing", "sources.channel_spend.currency", id="no currency on a row"),
    pytest.param("channel_spend", SPEND + "2026-09-01,search,2.5,EUR\n", {}, 2, "spend", "1.500000", "key_conflict", "row 3", id="one key, two amounts"),
    pytest.param("channel_spend", SPEND + "2026-09-02,search,2,EUR,surplus\n", {}, 3, None, "2026-09-02,search,2,EUR,surplus", "shifted_columns", "5 cells under 4 headers", id="too many cells"),
    pytest.param("channel_spend", SPEND.replace("currency", "cost_type").replace("EUR", "media") + "2026-09-02,a,2,bribe\n", {}, 3, "cost_type", "bribe", "bad_value", "media, agency", id="a choice that is none"),
    pytest.param("meta_ads", META + "2026-09-02,A,1.20212E+17,2,2\n", {}, 3, "Campaign ID", "1.20212E+17", "id_precision_lost", "as text", id="id in exponent form"),
    pytest.param("meta_ads", META + "2026-09-02,A,120210000000000001,2,-2\n", {}, 3, "Impressions", "-2", "bad_number", "below 0", id="negative count"),
    pytest.param("meta_ads", META + "2026-09-02,A,120210000000000001,2,2.5\n", {}, 3, "Impressions", "2.5", "bad_number", "whole number", id="half an impression"),
    pytest.param("ledger", LEDGER + "1,2026-01-05,4000,revenu,5,EUR\n", {}, 2, "kind", "revenu", "bad_value", "revenue, bookings", id="unknown kind"),
    pytest.param("ledger", LEDGER + "1,2026-01-05,4000,revenue,,EUR\n", {}, 2, "amount", None, "missing_value", "debit or credit", id="booking without amount"),
    pytest.param("experiments", TEST + "x,a,ab,2026-01-01,2026-01-31,incremental_kpi,5,,,\n", {}, 2, "se", None, "missing_value", "low and high", id="result without error"),
    pytest.param("experiments", TEST + "x,a,ab,2026-01-01,2026-01-31,incremental_kpi,5,4,9,\n", {}, 2, "low", "4.0", "asymmetric_interval", "give se", id="lopsided interval"),
    pytest.param("experiments", TEST + "x,a,ab,2026-01-31,2026-01-01,incremental_kpi,5,,,1\n", {}, 2, "end", "2026-01-01", "bad_date", "before the start", id="ends before it starts"),
    pytest.param("context", "rate_date,from,to,rate\n2026-01-01,GBP,USD,0.78\n", {}, 2, "rate", "0.7800000000", "bad_rate", "turned round", id="rate turned round"),
    pytest.param("content_events", '{"event_id":"1","ts":"2026-01-01T00:00:00Z","type":"published"}\n{"event_id":"2","ts"', {}, 2, None, "{…(20 characters, hidden)", "bad_json", "not valid JSON", id="a line cut off"),
]  # fmt: skip

FILES = [
    pytest.param("channel_spend", "day,chanel,spend\n2026-09-01,a,1\n", {}, "missing_column", "lacks: channel", id="a column less"),
    pytest.param("channel_spend", "hello\n", {}, "no_header", "first 30", id="no header"),
    pytest.param("channel_spend", b"", {}, "no_header", "empty", id="empty file"),
    pytest.param("channel_spend", b"%PDF-1.7\x00\x01\x02\x03", {}, "encoding_unknown", "no text", id="no text"),
    pytest.param("channel_spend", b"\xff\xfea", {}, "encoding_unknown", "utf-16", id="half a character"),
    pytest.param("channel_spend", b"\x1f\x8b\x08\x00garbage", {}, "encoding_unknown", "damaged", id="damaged archive"),
    pytest.param("channel_spend", 'day,channel,spend\n2026-09-01,a,"1,204"\n', {}, "ambiguous_number", "sources.channel_spend.decimal_mark", id="1,204 and nothing else"),
    pytest.param("channel_spend", "day,channel,spend\n03/04/2026,a,1\n", {}, "ambiguous_date", "sources.channel_spend.date_order", id="3 April or 4 March"),
    pytest.param("channel_spend", "week,channel,spend\n2026-09-07,a,1\n", {}, "multi_day", "grain", id="a week a row"),
    pytest.param("google_ads", "Week,Campaign,Currency code,Cost\n2026-09-07,a,EUR,1\n", {}, "multi_day", "Day", id="a report by week"),
    pytest.param("meta_ads", "Reporting starts,Reporting ends,Campaign name,Amount spent (EUR)\n2026-09-01,2026-09-30,A,5.25\n", {}, "multi_day", "2026-09-30", id="a month in one row"),
    pytest.param("meta_ads", "Day,Campaign name,Amount spent (EUR),Purchases conversion value (USD)\n2026-09-01,A,5.25,1.5\n", {}, "currency_mixed", "EUR, USD", id="two currencies in the headers"),
    pytest.param("meta_ads", "Day,Campaign name,Amount spent\n2026-09-01,A,5.25\n", {}, "currency_missing", "sources.meta_ads", id="no currency anywhere"),
    pytest.param("google_ads", "id,updated_at,currency_code,test_account,time_zone\n1,2026-01-01 00:00:00,USD,America/Los_Angeles,\n", {}, "shifted_columns", "time_zone", id="cells moved left"),
    pytest.param("ga4", 'event_date,event_timestamp,event_name,event_params\n20260901,1,x,oops\n', {}, "bad_json", "event_params", id="nested column that is not"),
    pytest.param("channel_spend", SPEND, {"shape": "tall"}, "no_header", "known shapes", id="a shape that is none"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "content", "options", "row", "column", "value", "rule", "fix"), ROWS)
def test_a_bad_row_is_named_with_its_fix(deliver, source, content, options, row, column, value, rule, fix):
    name = "jsonl.jsonl" if content.lstrip().startswith("{") else "file.csv"
    found = deliver(source, content, name, **options)
    assert found.status == "landed"
    line = found.quarantine.row(0, named=True)
    assert (line["source"], line["file"]) == (source, f"{source}/{name}")
    assert (line["row"], line["column"], line["value"], line["rule"]) == (row, column, value, rule)
    for part in (f"landing/{source}/{name}", f"row {row}", column or "", value or "", rule, fix):
        assert part in line["message"]
    bad = set(found.quarantine["row"])
    for frame in found.frames.values():
        assert not bad & set(frame["_row"]), "a refused row must not land as well"


@pytest.mark.parametrize(("source", "content", "options", "rule", "fix"), FILES)
def test_a_file_that_cannot_land_says_why_in_one_line(deliver, source, content, options, rule, fix):
    found = deliver(source, content, **options)
    assert (found.status, found.frames, found.rows_landed, found.quarantine.height) == ("unreadable", {}, 0, 1)
    line = found.quarantine.row(0, named=True)
    assert (line["row"], line["rule"]) == (None, rule)
    assert f"landing/{source}/file.csv" in line["message"]
    assert fix in line["message"]


@pytest.mark.parametrize(
    ("content", "mark"),
    [
        pytest.param('day,channel,spend\n2026-09-01,a,"1,204"\n', ".", id="grouping comma"),
        pytest.param('day,channel,spend\n2026-09-01,a,"1.204"\n', ",", id="grouping point"),
    ],
)
def test_what_was_ambiguous_reads_once_the_option_is_set(deliver, content, mark):
    found = deliver("channel_spend", content, decimal_mark=mark)
    assert found.frames["channel_spend"]["spend"].to_list() == [1204]


def test_a_count_settles_the_decimal_mark(deliver):
    found = deliver("channel_spend", 'day,channel,spend,impressions\n2026-09-01,a,"1,204","12,345"\n')
    assert found.frames["channel_spend"].select("spend", "impressions").row(0) == (1204, 12345)


def test_thousands_without_grouping_make_the_point_decimal(deliver):
    found = deliver(
        "channel_spend", "day,channel,spend,impressions\n2026-09-01,a,10.125,12345\n2026-09-02,a,22.375,9\n"
    )
    assert [str(s) for s in found.frames["channel_spend"]["spend"]] == ["10.125000", "22.375000"]


def test_the_same_row_twice_is_a_duplicate_and_a_credit_is_kept(deliver):
    found = deliver("channel_spend", SPEND + "2026-09-01,search,1.5,EUR\n2026-09-02,search,-3,EUR\n")
    assert (found.rows_landed, found.rows_duplicate, found.rows_quarantined) == (2, 1, 0)
    assert any("row 4, column spend: -3" in n for n in found.notices)


def test_a_bad_number_under_a_totals_row_costs_its_row_only(deliver):
    text = "Day,Campaign name,Campaign ID,Amount spent (EUR),Impressions\n2026-09-01,A,12,1.50,1\n2026-09-02,A,12,1l.50,1\n,Total results,,3.00,2\n"
    found = deliver("meta_ads", text)
    assert (found.rows_landed, found.rows_quarantined, found.rows_control) == (1, 1, 1)
    assert any("not compared" in n for n in found.notices)


def test_a_report_split_by_an_unknown_column_names_it(deliver):
    rows = "2026-09-01,A,EUR,1,x\n2026-09-01,A,EUR,1,y\n"
    found = deliver("google_ads", "Day,Campaign,Currency code,Cost,Budget name\n" + rows)
    assert found.quarantine.select("row", "column", "value").rows() == [
        (2, "Budget name", "x"),
        (3, "Budget name", "y"),
    ]
    assert "remove it" in found.quarantine["message"][0]


def test_a_known_split_stays_apart(deliver):
    rows = "2026-09-01,A,EUR,1,Mobile\n2026-09-01,A,EUR,2,Desktop\n"
    found = deliver("google_ads", "Day,Campaign,Currency code,Cost,Device\n" + rows)
    assert found.frames["google_ads"]["segment"].to_list() == ["device=Mobile", "device=Desktop"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\n\n\nday,channel,spend\n\n2026-09-01,a,1.5\n\n", id="empty lines"),
        pytest.param("day,channel,spend\r2026-09-01,a,1.5\r", id="old line ends"),
        pytest.param("Spend report\n\nday,channel,spend\n2026-09-01,a,1.5\nTotal,,1.5\n", id="preamble and total"),
        pytest.param("DAY, Channel ,SPEND\n2026-09-01,a,1.5\n", id="case and spaces"),
        pytest.param("day,channel,spend,\n2026-09-01,a,1.5,\n", id="a column without name"),
    ],
)
def test_untidy_files_read_like_tidy_ones(deliver, text):
    found = deliver("channel_spend", text)
    assert found.frames["channel_spend"].select("channel", "spend").rows() == [("a", 1.5)]


def test_a_campaign_called_total_is_data(deliver):
    found = deliver("google_ads", "Campaign,Day,Currency code,Cost\nTotal relaunch,2026-09-01,EUR,5\nTotal,,EUR,5\n")
    assert found.frames["google_ads"]["campaign"].to_list() == ["Total relaunch"]
    assert found.rows_control == 1


def test_an_unresolved_placeholder_is_no_name(deliver):
    found = deliver("channel_spend", "day,channel,campaign,spend\n2026-09-01,a,{{campaign.name}},1\n")
    assert found.frames["channel_spend"]["campaign"].to_list() == [None]
    assert any("placeholder" in n for n in found.notices)


def test_unknown_columns_are_kept_but_not_those_of_persons(deliver):
    found = deliver(
        "channel_spend", "day,channel,spend,budget owner,Email,objective\n2026-09-01,a,1,Jane,jane@x.org,leads\n"
    )
    assert found.frames["channel_spend"]["_extra"].to_list() == ['{"objective":"leads"}']
    assert any("personal" in n for n in found.notices)


def test_a_renamed_column_is_found_by_its_own_name(deliver):
    text = "Datum,channel,Summe netto\n2026-09-01,a,1.5\n"
    found = deliver("channel_spend", text, columns={"Datum": "day", "Summe netto": "spend"})
    assert found.frames["channel_spend"]["spend"].to_list() == [1.5]


def test_a_wide_week_file_becomes_one_row_a_channel_and_stays_weekly(deliver):
    text = "week,search_spend,social_spend,search_views\n2026-09-07,10.5,3,100\n2026-09-14,1l,4,200\n"
    wide = {"search": {"spend": "search_spend", "impressions": "search_views"}, "social": {"spend": "social_spend"}}
    found = deliver("channel_spend", text, grain="week", wide=wide)
    assert (found.rows_delivered, found.rows_landed, found.rows_quarantined) == (2, 1, 1)
    assert found.frames["channel_spend"].select("grain", "channel", "spend", "impressions").rows() == [
        ("week", "search", 10.5, 100), ("week", "social", 3, None),
    ]  # fmt: skip


def test_a_week_a_row_is_suspected_where_days_are_claimed(deliver):
    days = ("2026-09-07", "2026-09-14", "2026-09-21", "2026-09-28")
    found = deliver("channel_spend", "day,channel,spend\n" + "".join(f"{d},a,1\n" for d in days))
    assert any("grain to week" in n for n in found.notices)


@pytest.mark.parametrize(
    ("text", "order", "iso"),
    [
        pytest.param("13/09/2026", None, "2026-09-13", id="part above 12 decides"),
        pytest.param("9/13/2026", None, "2026-09-13", id="month first decided"),
        pytest.param("03/04/2026", "dmy", "2026-04-03", id="told day first"),
        pytest.param("Sep 1, 2026", None, "2026-09-01", id="english month"),
        pytest.param("1. März 2026", None, "2026-03-01", id="german month"),
        pytest.param("10 de dez. de 2022", None, "2022-12-10", id="portuguese month"),
        pytest.param("01.09.2026", None, "2026-09-01", id="dots are day first"),
        pytest.param("46266", None, "2026-09-01", id="spreadsheet serial"),
        pytest.param("20260901", None, "2026-09-01", id="compact"),
    ],
)
def test_dates_as_people_and_spreadsheets_write_them(deliver, text, order, iso):
    found = deliver("channel_spend", f'day,channel,spend\n"{text}",a,1.5\n', date_order=order)
    assert str(found.frames["channel_spend"]["day"][0]) == iso


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("$172.45", "172.45"), ("1,204.50", "1204.5"), ("(12.50)", "-12.5"), ("12.50-", "-12.5"), ("1'204.50", "1204.5"),
        ("EUR 5.25", "5.25"), ("5.25 €", "5.25"), ("1 204.50", "1204.5"), ("1E+05", "100000"), ("0.000001", "0.000001"),
    ],
)  # fmt: skip
def test_amounts_as_people_write_them_without_float(deliver, text, amount):
    from decimal import Decimal

    found = deliver("channel_spend", f'day,channel,spend\n2026-09-01,a,"{text}"\n2026-09-02,a,0.10\n')
    assert found.frames["channel_spend"]["spend"].to_list() == [Decimal(amount), Decimal("0.1")]
