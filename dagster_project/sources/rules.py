"""Every rule that can refuse a row or a file, with what it means; the page docs/sources.md lists the same codes."""

from __future__ import annotations

RULES: dict[str, str] = {
    "encoding_unknown": "the bytes are no text, workbook or Parquet file, or a damaged archive",
    "cannot_open": "the system does not let the file be read",
    "reader_failed": "the file made the reader itself fail; nothing of it landed",
    "no_header": "no row among the first thirty is the header of this source, or two forms fit",
    "missing_column": "the nearest form lacks a column that it needs",
    "missing_value": "a cell that must be filled is empty",
    "shifted_columns": "cells stand under the wrong headers, or a row has more cells than the header",
    "bad_quote": "a quotation mark is opened and never closed",
    "bad_json": "a line or a nested value is no valid JSON",
    "bad_number": "no number, a part of something that is counted, or a number outside its range",
    "ambiguous_number": "1,204 could be two amounts and nothing in the file decides",
    "bad_date": "no date, or an end before its start",
    "ambiguous_date": "3/4/2026 could be two days and nothing in the file decides",
    "future_day": "a day or time that has not come yet",
    "multi_day": "rows cover more than a day while days are expected",
    "bad_value": "a value outside the list of known ones",
    "bad_id": "an id whose form or check characters are wrong",
    "id_precision_lost": "a spreadsheet has rounded an id",
    "bad_currency": "no currency code of ISO 4217",
    "currency_missing": "nothing says in which currency the money is",
    "currency_mixed": "the headers carry two currencies",
    "bad_rate": "an exchange rate that cannot be, or that its inverse contradicts",
    "asymmetric_interval": "a test result whose interval is not symmetric and that has no standard error",
    "key_conflict": "one key more than once with different values",
    "foreign_brand": "a row that belongs to another brand",
    "not_sealed": "an offer that this workspace's feed did not write, or that was changed since",
    "too_long": "a text that is longer than it can be, or holds invisible characters",
    "total_mismatch": "the rows do not add up to the file's own totals row",
}


def known(rule: str) -> str:
    """The rule's code itself; raises KeyError for a code that the list does not explain."""
    if rule not in RULES:
        raise KeyError(f"{rule} is not a rule; add it to RULES with what it means")
    return rule
