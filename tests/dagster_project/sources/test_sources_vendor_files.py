"""The vendors' own exports, as people download them: preambles, totals, encodings, languages, column orders."""

# ruff: noqa: E501 - files and cases read best one a line
from __future__ import annotations

from datetime import date
from decimal import Decimal
from io import BytesIO

import polars as pl
import pytest

GOOGLE = """Campaign report
"September 1, 2026 - September 2, 2026"
Day\tCampaign\tCampaign ID\tCampaign type\tCurrency code\tCost\tImpr.\tClicks\tConversions\tConv. value\tSearch impr. share
2026-09-01\tBrand | EU\t18000000001\tSearch\tEUR\t"1,204.50"\t"12,345"\t321\t4.33\t"2,150.00"\t< 10%
2026-09-02\tBrand | EU\t18000000001\tSearch\tEUR\t0.01\t1\t--\t0.00\t0.00\t--
Total: Campaigns\t\t\t\tEUR\t"1,204.51"\t"12,346"\t321\t4.33\t"2,150.00"\t--
Total: Account\t\t\t\tEUR\t"1,204.51"\t"12,346"\t321\t4.33\t"2,150.00"\t--
""".replace("\n", "\r\n")
META_ES = """Inicio del informe;Fin del informe;Día;Nombre de la campaña;Identificador de la campaña;Importe gastado (EUR);Impresiones;Clics en el enlace;Compras
2026-09-01;2026-09-01;2026-09-01;Otoño;120210000000000001;1.204,50;12.345;321;4
2026-09-02;2026-09-02;2026-09-02;Otoño;120210000000000001;0,01;1;;
2026-09-01;2026-09-02;;Resultados totales;;1.204,51;12.346;321;4
"""
META_HEADERS = {
    "en": ("Day", "Campaign name", "Campaign ID", "Amount spent (EUR)", "Impressions", "Link clicks", "Purchases"),
    "es": ("Día", "Nombre de la campaña", "Identificador de la campaña", "Importe gastado (EUR)", "Impresiones", "Clics en el enlace", "Compras"),
    "fr": ("Jour", "Nom de la campagne", "ID de la campagne", "Montant dépensé (EUR)", "Impressions", "Clics sur un lien", "Achats"),
    "de": ("Tag", "Kampagnenname", "Kampagnen-ID", "Ausgegebener Betrag (EUR)", "Impressionen", "Link-Klicks", "Käufe"),
}  # fmt: skip
LINKEDIN = """Campaign Performance Report (in UTC)
"Report Start: 9/1/2026, Report End: 9/2/2026"

Start Date (in UTC),Account Name,Campaign Group Name,Campaign Name,Campaign ID,Currency,Total Spent,Impressions,Clicks,Clicks to Landing Page,Conversions,Total Conversion Value
9/1/2026,Acme,Q3 pipeline,"CFOs, EU",311000001,USD,"1,204.50","12,345",321,300,4,0.00
Total,,,,,,"1,204.50","12,345",321,300,4,0.00
"""
MICROSOFT = """Gregorian date,Account name,Campaign name,Campaign ID,Ad group,Impressions,Clicks,Spend,Conversions,Revenue
9/1/2026,Acme,Generic,400000001,etl tools,"1,204",32,172.45,1,0.00
"©2026 Microsoft Corporation. All rights reserved. ",,,,,,,,,,
"""
TIKTOK = """By Day,Campaign name,Ad group name,Ad name,Cost,Impressions,Clicks (destination),Conversions,Complete payment,Total complete payment value,Currency
2026-09-01,Spark,Lookalike,v1,"18,50",2310,41,1,1,"49,00",EUR
Total of 1 results,-,-,-,"18,50",2310,41,1,1,"49,00",-
"""
FIGURES = ["day", "campaign", "campaign_id", "spend", "currency", "impressions", "clicks", "platform_conversions"]


def test_google_excel_export_in_utf16(deliver):
    found = deliver("google_ads", GOOGLE.encode("utf-16"), "report 2026-09-03.csv")
    rows = found.frames["google_ads"]
    assert (found.rows_delivered, found.rows_landed, found.rows_control, found.encoding) == (4, 2, 2, "utf-16")
    assert rows["spend"].sum() == Decimal("1204.51")
    assert rows["clicks"].to_list() == [321, None], "-- is no number, and not zero"
    assert rows["_row"].to_list() == [4, 5], "the line that a person sees in the file"
    assert rows["level"].to_list() == ["campaign"] * 2
    assert rows["_extra"][0] == '{"Campaign type":"Search","Search impr. share":"< 10%"}'
    assert str(found.delivered_at) == "2026-09-03 23:59:59"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_meta_in_spanish_is_the_same_under_every_encoding(deliver, encoding):
    found = deliver("meta_ads", META_ES.encode(encoding))
    rows = found.frames["meta_ads"]
    assert rows.select(FIGURES).rows()[0] == (
        date(2026, 9, 1), "Otoño", "120210000000000001", Decimal("1204.5"), "EUR", 12345, 321, Decimal(4),
    )  # fmt: skip
    assert found.rows_control == 1
    assert any("encoding_guessed" in n for n in found.notices) == (encoding == "cp1252")


def test_a_text_decoded_wrongly_once_is_repaired_and_said_so(deliver):
    clean = META_ES.replace("Día", "Day")  # the second byte of í has no character in Windows-1252
    damaged = clean.encode("utf-8").decode("cp1252")
    assert "campaÃ±a" in damaged
    found = deliver("meta_ads", damaged.encode("utf-8"))
    assert found.frames["meta_ads"]["campaign"].to_list() == ["Otoño", "Otoño"]
    assert any("repaired" in n for n in found.notices)


@pytest.mark.parametrize("language", list(META_HEADERS))
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_meta_headers_of_each_language_under_each_delimiter(deliver, language, delimiter):
    cells = {
        "en": ("2026-09-01", "Herbst", "120210000000000001", "1,204.50", "12,345", "321", "4"),
    }.get(language, ("2026-09-01", "Herbst", "120210000000000001", "1.204,50", "12.345", "321", "4"))
    text = "\n".join(delimiter.join(f'"{c}"' for c in line) for line in (META_HEADERS[language], cells))
    rows = deliver("meta_ads", text).frames["meta_ads"]
    assert rows.select(FIGURES).rows() == [
        (date(2026, 9, 1), "Herbst", "120210000000000001", Decimal("1204.5"), "EUR", 12345, 321, Decimal(4))
    ]


def test_column_order_does_not_matter(deliver):
    lines = [line.split(";") for line in META_ES.strip().split("\n")]
    straight = deliver("meta_ads", META_ES).frames["meta_ads"].drop("_extra")
    turned = (
        deliver("meta_ads", "\n".join(";".join(reversed(cells)) for cells in lines)).frames["meta_ads"].drop("_extra")
    )
    assert straight.equals(turned)


def test_linkedin_group_is_the_campaign_and_days_are_utc(deliver):
    found = deliver("linkedin_ads", LINKEDIN)
    row = found.frames["linkedin_ads"].row(0, named=True)
    assert (row["campaign"], row["ad_group"], row["ad_group_id"], row["campaign_id"]) == (
        "Q3 pipeline",
        "CFOs, EU",
        "311000001",
        None,
    )
    assert (row["day"], row["day_basis"], row["account_tz"], row["_row"]) == (date(2026, 9, 1), "utc", "UTC", 5)
    assert found.rows_control == 1


def test_microsoft_footer_is_no_data(deliver):
    found = deliver("microsoft_ads", MICROSOFT.encode("utf-8-sig"), currency="USD")
    assert (found.rows_landed, found.rows_control) == (1, 1)
    assert found.frames["microsoft_ads"]["impressions"][0] == 1204


def test_tiktok_under_a_comma_locale(deliver):
    found = deliver("tiktok_ads", TIKTOK)
    assert found.frames["tiktok_ads"].select("spend", "platform_revenue").row(0) == (Decimal("18.5"), Decimal(49))
    assert found.rows_control == 1


@pytest.mark.parametrize(
    ("source", "text", "right", "wrong"),
    [
        pytest.param(
            "google_ads", GOOGLE, 'Campaigns\t\t\t\tEUR\t"1,204.51"', 'Campaigns\t\t\t\tEUR\t"1,205.51"', id="google"
        ),
        pytest.param("meta_ads", META_ES, ";;1.204,51", ";;1.205,51", id="meta"),
        pytest.param("linkedin_ads", LINKEDIN, 'Total,,,,,,"1,204.50"', 'Total,,,,,,"1,203.50"', id="linkedin"),
        pytest.param("tiktok_ads", TIKTOK, '-,-,-,"18,50"', '-,-,-,"19,50"', id="tiktok"),
    ],
)
def test_a_totals_row_off_by_one_fails_the_file(deliver, source, text, right, wrong):
    assert deliver(source, text).status == "landed"
    assert right in text
    found = deliver(source, text.replace(right, wrong))
    assert found.status == "unreadable"
    assert found.rows_landed == 0
    line = found.quarantine.row(0, named=True)
    assert line["rule"] == "total_mismatch"
    assert line["row"] is None
    assert "difference" in line["message"]
    assert "1.00" in line["message"]


def test_a_workbook_reads_like_its_csv_and_names_its_other_sheets(deliver):
    import xlsxwriter

    buffer = BytesIO()
    book = xlsxwriter.Workbook(buffer)
    notes, sheet = book.add_worksheet("Notes"), book.add_worksheet("Report")
    notes.write(0, 0, "made by hand")
    form = book.add_format({"num_format": "yyyy-mm-dd"})
    for column, header in enumerate(META_HEADERS["en"]):
        sheet.write(1, column, header)
    sheet.write_datetime(2, 0, __import__("datetime").datetime(2026, 9, 1), form)
    for column, value in enumerate(["Herbst", "120210000000000001", 1204.5, 12345, 321, 4], start=1):
        sheet.write(2, column, value)
    book.close()
    found = deliver("meta_ads", buffer.getvalue(), "report.xlsx")
    assert found.frames["meta_ads"].select(FIGURES).rows() == [
        (date(2026, 9, 1), "Herbst", "120210000000000001", Decimal("1204.5"), "EUR", 12345, 321, Decimal(4))
    ]
    assert found.frames["meta_ads"]["_row"][0] == 3
    assert any("Notes" in n for n in found.notices)


def test_an_id_that_a_spreadsheet_rounded_is_refused(deliver):
    import xlsxwriter

    buffer = BytesIO()
    book = xlsxwriter.Workbook(buffer)
    sheet = book.add_worksheet()
    for column, header in enumerate(META_HEADERS["en"]):
        sheet.write(0, column, header)
    for column, value in enumerate(["2026-09-01", "Herbst", 120210000000000001, 1204.5, 12345, 321, 4]):
        sheet.write(1, column, value)
    book.close()
    found = deliver("meta_ads", buffer.getvalue(), "report.xlsx")
    assert found.quarantine.select("row", "column", "rule").rows() == [(2, "Campaign ID", "id_precision_lost")]


def test_gzip_parquet_and_json_lines_hold_the_same_rows(deliver):
    import gzip
    import json

    frame = pl.DataFrame(
        {"day": [date(2026, 9, 1)], "channel": ["search"], "spend": [Decimal("1204.50")], "currency": ["EUR"]}
    )
    buffer = BytesIO()
    frame.write_parquet(buffer)
    lines = json.dumps({"day": "2026-09-01", "channel": "search", "spend": 1204.50, "currency": "EUR"})
    csv = "day,channel,spend,currency\n2026-09-01,search,1204.50,EUR\n"
    found = [
        deliver("channel_spend", csv),
        deliver("channel_spend", gzip.compress(csv.encode()), "a.csv.gz"),
        deliver("channel_spend", buffer.getvalue(), "a.parquet"),
        deliver("channel_spend", lines, "a.jsonl"),
        deliver("channel_spend", f"[{lines}]", "a.json"),
    ]
    rows = [f.frames["channel_spend"].drop("_row") for f in found]
    assert all(r.equals(rows[0]) for r in rows)
    assert rows[0]["spend"].to_list() == [Decimal("1204.5")]


def test_line_numbers_survive_quoted_line_breaks_and_an_open_quote_costs_one_row(deliver):
    text = (
        'day,channel,spend,note\n2026-09-01,a,1,"two\nlines"\n2026-09-02,b,x,\n2026-09-03,c,3,"open\n2026-09-04,d,4,\n'
    )
    found = deliver("channel_spend", text)
    assert found.quarantine.select("row", "rule").rows() == [(4, "bad_number"), (5, "bad_quote")]
    assert found.frames["channel_spend"].select("_row", "channel").rows() == [(2, "a"), (6, "d")]
