"""What `plumbline ask` says before anything is asked: proposed prompts, and the plan with its cost and its power."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from rich.markup import escape

from dagster_project.asking.panel import Prompt, as_csv, from_templates
from dagster_project.asking.proposals import Subject, subjects
from dagster_project.commands.terminal import USAGE, as_json, out, rows_as_table, stop
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import Settings
from feedback.storage.atomic_files import write_atomically


def propose(workspace: Workspace, settings: Settings, day: date, *, write: bool, json_: bool) -> None:
    """Print the prompts that templates and the company's own pages and searches make; with `write`, as a panel file."""
    found = subjects(workspace)
    prompts = from_templates(settings, {s.key: s.words for s in found})
    written: Path | None = None
    if write:
        written = workspace.landing / "ai_panel" / f"{day}-panel.csv"
        if written.exists():
            stop(USAGE, f"landing/ai_panel/{written.name} exists already: remove it, or edit it by hand")
        content = as_csv(prompts)
        written.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(written, content)
    if json_:
        as_json({"written": written, "subjects": [_of(s) for s in found], "prompts": [_row(p) for p in prompts]})
        return
    rows_as_table("prompts", [_row(p) for p in prompts])
    if found:
        rows_as_table("subjects of converting pages and searches", [_of(s) for s in found])
    for sentence in missing(settings, found, prompts):
        out.print(escape(sentence))
    if written:
        out.print(f"landing/ai_panel/{written.name}: {len(prompts)} prompts; next: plumbline ask WS --dry-run")
    else:
        out.print(f"{len(prompts)} prompts; --write puts them into landing/ai_panel")


def missing(settings: Settings, found: list[Subject], prompts: list[Prompt]) -> list[str]:
    """What plumbline.yaml could say to make the panel broader, and what was not there to propose from."""
    panel = settings.ai
    sentences = [
        f"not asked: templates that need ai.{key}; add it to plumbline.yaml"
        for key, value in (("problem", panel.problem), ("integrations", panel.integrations), ("brands", panel.brands))
        if not value
    ]
    if not found:
        sentences.append("no converting landing page or search term in this workspace names a subject to ask about")
    if not panel.control_brand:
        sentences.append("no ai.control_brand: without a made-up name nothing shows whether brands are invented")
    core = sum(p.is_core for p in prompts)
    if core < 50:
        sentences.append(f"{core} prompts name no brand; from 50 on a rate counts as more than exploratory")
    return sentences


def _row(prompt: Prompt) -> dict[str, Any]:
    return {
        "prompt_id": prompt.prompt_id,
        "intent": prompt.intent,
        "locale": prompt.locale,
        "persona": prompt.persona,
        "core": prompt.is_core,
        "prompt_text": prompt.prompt_text,
    }


def _of(subject: Subject) -> dict[str, Any]:
    return {
        "subject": subject.words,
        "conversions": subject.conversions,
        "visits": subject.visits,
        "origin": subject.origin,
        "evidence": subject.evidence,
    }


def print_preview(preview: dict[str, Any]) -> None:
    """The dry run for a person."""
    shown = (
        "engine",
        "model",
        "surface",
        "prompts",
        "answers_today",
        "answers_per_week",
        "price_usd",
        "cost_per_week_usd",
    )
    rows_as_table(
        f"plan of {preview['day']}",
        [{k: str(e[k]) if k.endswith("usd") else e[k] for k in shown} for e in preview["engines"]],
    )
    today = preview["today"]
    out.print(
        f"today: {today['to_ask']} answers for about {today['cost_usd']:.2f} US dollars;"
        f" {today['answered']} are there already; {max(today['may_be_spent_usd'], 0):.2f} may be spent"
        f" ({today['nearest_cap']})"
    )
    if not preview["is_planned_day"]:
        out.print("the design does not ask on this day of the week (ai.sampling.days); --any-day asks all the same")
    if not today["may_be_spent_usd"]:
        out.print(
            f"no call is made: {today['nearest_cap']} leaves nothing; all of today costs {today['whole_usd']:.2f}"
        )
    elif today["left_out_by_the_cap"]:
        out.print(
            f"the cap leaves out {today['left_out_by_the_cap']} answers: repeats first, then prompts of low weight,"
            " for all engines alike"
        )
    out.print(
        f"a week costs about {preview['cost_per_week_usd']:.2f}, a month {preview['cost_per_month_usd']:.2f} US dollars"
    )
    if preview["panel_differs"]:
        out.print(escape(f"the panel is frozen for its period and differs: {preview['panel_differs']}"))
    for engine in preview["engines"]:
        if not engine["key_is_set"]:
            out.print(escape(f"{engine['engine']}: the environment variable {engine['key']} is not set"))
    _print_precision(preview["precision"])


def _print_precision(precision: dict[str, Any] | None) -> None:
    if precision is None:
        out.print("no engine has a prompt that names no brand: nothing can be said about headline rates")
        return
    points = {k: f"{100 * v:.1f}" for k, v in precision.items() if isinstance(v, float)}
    out.print(
        f"with {precision['core_prompts']} prompts that name no brand and {precision['runs_per_week']} answers each per"
        f" week and engine, a rate has a range of about +-{points['range_of_these_questions']} points for these"
        f" questions and +-{points['range_of_questions_like_these']} for questions like these (90 %)"
    )
    out.print(
        f"smallest change that is found in 80 % of cases: {points['detectable_week_on_week']} points of one engine"
        f" between two weeks, {points['detectable_on_four_weeks']} against the four weeks before;"
        f" {points['detectable_week_on_week_all_engines']} and {points['detectable_on_four_weeks_all_engines']}"
        " over all engines, if they move alike"
    )
    out.print(f"variances: {precision['variances']}")
