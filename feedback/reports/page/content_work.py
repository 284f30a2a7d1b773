"""The page's section on content work: the feed's worth and the two operating metrics with a target, as short lines."""

from __future__ import annotations

from datetime import date

from feedback.reports.figure_store import FigureStore
from feedback.reports.page.printing import NBSP, Printer, currency_symbol, written_day

VERDICTS = {
    "useful": "The pattern feed helps.",
    "useless": "No worth of the pattern feed was shown.",
    "too early": "The pattern feed's worth is undecided.",
    "not measurable": "The pattern feed's worth cannot be measured.",
}
METRICS = {"cycle_time": "Brief to publication", "first_hit_rate": "Approved at first decision"}


def lines(store: FigureStore, printer: Printer) -> list[dict[str, str]]:
    """One line on the feed and one per metric; none where the run has no such data: then there is no section."""
    return [*_feed(store, printer), *(_metric(store, printer, m) for m in METRICS if f"operations.{m}.now" in store)]


def _feed(store: FigureStore, printer: Printer) -> list[dict[str, str]]:
    if "feed.verdict" not in store:
        return []
    said = []
    if "feed.lift" in store:
        span = f"{printer.percent('feed.lift', 'low', 1)} to {printer.percent('feed.lift', 'high', 1)}"
        said.append(f"Odds of a success {printer.percent('feed.lift', places=1)} ({span}, 90{NBSP}%).")
    if "feed.worth" in store:
        money = currency_symbol(store["feed.worth"].unit)
        value = printer.exact("feed.worth")
        low, high = printer.exact("feed.worth", "low"), printer.exact("feed.worth", "high")
        said.append(f"Worth {value}{NBSP}{money} per piece ({low} to {high}) in the test's weeks.")
    elif "feed.lift" in store:
        said.append("Engagement only: the log states no money.")
    said.append(
        f"{printer.count('feed.read')} pairs read, {printer.count('feed.ready')} ready,"
        f" {printer.count('feed.planned')} planned."
    )
    if "feed.next_look" in store:
        due = store.text("feed.next_look_on")
        when = f", about {written_day(date.fromisoformat(due))}" if due else ""
        said.append(f"Next look at {printer.count('feed.next_look')} pairs{when}.")
    return [{"lead": VERDICTS[store.text("feed.verdict")], "text": " ".join(said)}]


def _metric(store: FigureStore, printer: Printer, metric: str) -> dict[str, str]:
    key = f"operations.{metric}"
    if store[f"{key}.now"].unit == "share":
        value = printer.percent(f"{key}.now")
        span = f"{printer.percent(f'{key}.now', 'low')} to {printer.percent(f'{key}.now', 'high')}"
    else:
        value = f"{printer.ratio(f'{key}.now')} days, median"
        span = printer.ratio_span(f"{key}.now")
    text = f"{value} ({span}, 90{NBSP}%)."
    progress = store.text(f"{key}.progress")
    if f"{key}.ratio" in store:
        ratio = f"{printer.ratio(f'{key}.ratio')} ({printer.ratio_span(f'{key}.ratio')})"
        text += f" Against the own baseline {ratio}, target {printer.ratio(f'{key}.target')}: {progress}."
        if progress == "too few" and f"{key}.needed" in store:
            text += f" {printer.count(f'{key}.needed')} pieces per period would tell."
    else:
        text += f" {progress.capitalize()} yet."
    return {"lead": f"{METRICS[metric]}:", "text": text}
