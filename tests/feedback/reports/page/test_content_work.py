"""The page's lines on content work: figures where a look was reached, the plan where none was, nothing without data."""

from __future__ import annotations

from decimal import Decimal

from feedback.reports.figure_store import LEVEL, Fact, Figure, FigureStore
from feedback.reports.page.content_work import lines
from feedback.reports.page.printing import Printer

CURRENCY = Fact("page.currency", "EUR", "setting")


def counted(key: str, value: int) -> Figure:
    return Figure(key, Decimal(value), "count", "counted", "q")


def ranged(key: str, unit: str, value: str, low: str, high: str) -> Figure:
    return Figure(key, Decimal(value), unit, "estimate", "q", Decimal(low), Decimal(high), LEVEL)


def said(*items: Figure | Fact) -> list[str]:
    store = FigureStore.of([CURRENCY, *items])
    return [
        f"{line['lead']} {line['text']}".replace("\u00a0", " ") for line in lines(store, Printer(store, Decimal(1)))
    ]


PLAN = (counted("feed.read", 0), counted("feed.ready", 9), counted("feed.planned", 56), counted("feed.next_look", 14))


def test_without_a_content_log_there_is_no_section():
    assert said() == []


def test_before_the_first_look_only_the_plan_stands():
    (line,) = said(Fact("feed.verdict", "too early", "t"), Fact("feed.next_look_on", "2026-10-08", "t"), *PLAN)
    assert line == (
        "The pattern feed's worth is undecided. 0 pairs read, 9 ready, 56 planned."
        " Next look at 14 pairs, about 8 October 2026."
    )


def test_worth_in_money_with_its_range_and_engagement_only_without_money():
    lift = ranged("feed.lift", "share", "0.11", "0.039", "0.186")
    worth = ranged("feed.worth", "EUR", "46.28", "-8.72", "83.84")
    (line,) = said(Fact("feed.verdict", "useful", "t"), lift, worth, *PLAN)
    assert "Odds of a success 11.0 % (3.9 % to 18.6 %, 90 %)." in line
    assert "Worth 46.28 € per piece (−8.72 to 83.84)" in line
    (line,) = said(Fact("feed.verdict", "useful", "t"), lift, *PLAN)
    assert "Engagement only" in line


def test_a_metric_says_how_far_it_is_from_its_target_and_what_would_tell():
    key = "operations.cycle_time"
    items = (
        ranged(f"{key}.now", "ratio", "2.49", "2.25", "2.88"),
        Fact(f"{key}.progress", "too few", "t"),
        ranged(f"{key}.ratio", "ratio", "0.96", "0.64", "1.44"),
        Figure(f"{key}.target", Decimal("0.6"), "ratio", "setting", "q"),
        counted(f"{key}.needed", 58),
    )
    (line,) = said(*items)
    assert line.startswith("Brief to publication: 2.49 days, median")
    assert line.endswith("target 0.60: too few. 58 pieces per period would tell.")
    (young,) = said(items[0], Fact(f"{key}.progress", "no baseline", "t"))
    assert young.endswith("No baseline yet.")
