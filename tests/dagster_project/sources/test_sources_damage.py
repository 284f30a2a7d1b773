"""Whatever happens to a file on its way, reading it ends in rows, refusals and balanced books, never in an exception."""

# ruff: noqa: E501 - files read best one a line
from __future__ import annotations

import random
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from dagster_project.sources.read import read_file
from dagster_project.workspace.settings import Settings, SourceOptions

FILES = {
    "google_ads": "Campaign report\nSeptember\nDay\tCampaign\tCampaign ID\tCurrency code\tCost\tClicks\n"
    '2026-09-01\tBrand\t18000000001\tEUR\t"1,204.50"\t321\n2026-09-02\tBrand\t18000000001\tEUR\t0.01\t--\n'
    'Total: Campaigns\t\t\tEUR\t"1,204.51"\t321\n',
    "meta_ads": "Día;Nombre de la campaña;Identificador de la campaña;Importe gastado (EUR);Impresiones\n"
    "2026-09-01;Otoño;120210000000000001;1.204,50;12.345\n2026-09-02;Otoño;120210000000000001;0,01;1\n"
    ";Resultados totales;;1.204,51;12.346\n",
    "channel_spend": 'day,channel,spend,note\n2026-09-01,a,1.5,"two\nlines"\n2026-09-02,b,2,\n',
    "revenue": "order_id,ordered_at,person_email,gross,currency,status\nA1,2026-01-05T10:00:00+02:00,j@x.org,10,EUR,paid\n",
    "ledger": "entry_id,posted_on,account_code,debit,credit,currency\n1,2026-01-05,4000,,5.5,EUR\n2,2026-01-06,1,2,,EUR\n",
    "experiments": "experiment_id,channels,design,start,end,estimand,value,low,high,se\n"
    "x,a,ab,2026-01-01,2026-01-31,incremental_kpi,5,,,1\n",
    "hubspot": 'Record ID,Deal Name,Deal Stage,Amount,Currency,"Date entered ""Won (Sales)"""\n'
    "9,Acme,Won,5.5,EUR,2026-01-01 09:00\n",
    "ga4": '{"event_date":"20260901","event_timestamp":"17","event_name":"x","event_params":[{"key":"page_location",'
    '"value":{"string_value":"https://a.example/?gclid=1"}}],"privacy_info":{"ads_storage":"No"}}\n',
    "ai_answers": '{"prompt_id":"1","engine":"e","requested_at":"2026-09-01T00:00:00Z","day_slot":"2026-09-01",'
    '"status":"ok","text":"Acme","sources":[{"url":"https://a.example"}]}\n',
    "content": "content_id,channel,published_at,feature.hook\nc1,blog,2026-09-01,question\n",
}
SPLINTERS = (
    ",", ";", "\t", "\n", "\r", '"', "NaN", "1e999", "--", "1,2,3", "2026-13-01", "9" * 30, "(5)", "€", "\x00", "{", "}", "[]", "null", "Total",
    "\u202f", "0000-00-00", "32/13/2026", "2026-09-01T00:00:00+25:00", "http://[bad", "{{x}}", "1-", "e5", ".", "\ud7ff", "𝒳",
)  # fmt: skip


@given(seed=st.integers(0, 10**9), source=st.sampled_from(sorted(FILES)))
@profile(max_examples=120, deadline=None)  # about forty milliseconds an example
def test_no_damage_makes_a_reader_raise(seed, source, tmp_path_factory):
    rng = random.Random(seed)
    text = FILES[source]
    for _ in range(rng.randint(1, 6)):
        at, length = rng.randrange(len(text) + 1), rng.choice((0, 0, 1, 3, 12))
        text = text[:at] + rng.choice(SPLINTERS) + text[at + length :]
    encoding = rng.choice(("utf-8", "utf-8-sig", "utf-16", "utf-16-le"))
    data = bytearray(text.encode(encoding))
    if rng.random() < 0.3 and data:
        data[rng.randrange(len(data))] = rng.randrange(256)
    name = "file.jsonl" if text.lstrip().startswith("{") else "file.csv"
    path = tmp_path_factory.mktemp("damage") / name
    path.write_bytes(bytes(data))
    now = datetime(2026, 11, 21, 14, tzinfo=UTC)
    found = read_file(path, source, SourceOptions(), settings=Settings(), now=now, pepper=b"a pepper for tests only")
    assert found.balanced
    assert found.status == "landed" or (found.quarantine.height == 1 and found.rows_landed == 0)
    landed = {row for frame in found.frames.values() for row in frame["_row"]}
    assert not landed & set(found.quarantine["row"].drop_nulls())


def test_a_damaged_parquet_file_is_refused(deliver):
    import io

    import polars as pl

    buffer = io.BytesIO()
    pl.DataFrame({"day": ["2026-09-01"] * 50, "channel": ["a"] * 50, "spend": [1.5] * 50}).write_parquet(buffer)
    whole = buffer.getvalue()
    for cut in (8, len(whole) // 2, len(whole) - 3):
        found = deliver("channel_spend", whole[:cut], "a.parquet")
        assert found.quarantine["rule"].to_list() == ["encoding_unknown"]
