"""The verdict by rule, its reasons in words, and the grade: what a reader may do with one test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf, isfinite, isnan

from models.incrementality.result import Check, Grade, Verdict
from models.warning import Warning

USUAL_RELEVANT_LIFT = 0.05  # without spend and margin: a lift below this share rarely changes a budget


@dataclass(frozen=True)
class Judgement:
    """Verdict, reasons, grade and the checks that failed, as warnings."""

    verdict: Verdict
    reasons: tuple[str, ...]
    grade: Grade
    warnings: tuple[Warning, ...]
    checks: tuple[Check, ...]


def judge(
    subject: str,
    checks: Sequence[Check],
    *,
    effect: float,
    low: float,
    high: float,
    p_value: float,
    level: float,
    relevant: float,
    relevant_reason: str,
    further: Sequence[Warning] = (),
) -> Judgement:
    """Invalid when a hard check failed; inconclusive when the range holds both zero and a relevant effect; else valid.

    `relevant` is the smallest total effect that would change a decision, in KPI units. A valid test without an effect
    is a result: its range rules the relevant effect out. The grade counts soft failures: none A, one B, more C.
    """
    failed = [check for check in checks if not check.passed]
    warnings = [
        Warning(check.name, "high" if check.hard else "medium", subject, _sentence(check.message), check.action)
        for check in failed
    ]
    warnings += further
    soft = len([check for check in failed if not check.hard]) + len(
        [w for w in further if w.severity in ("medium", "high")]
    )
    hard = [check for check in failed if check.hard]
    grade: Grade = "C" if hard or soft > 1 else "B" if soft else "A"
    if hard:
        return Judgement("invalid", tuple(_sentence(c.message) for c in hard), grade, tuple(warnings), tuple(checks))
    verdict, reasons = _reading(effect, low, high, p_value, level, relevant, relevant_reason)
    if verdict == "inconclusive":
        warnings.append(
            Warning(
                "inconclusive",
                "medium",
                subject,
                " ".join(reasons),
                "Run it longer or larger (more regions, more users) before deciding on it.",
            )
        )
    return Judgement(verdict, reasons, grade, tuple(warnings), tuple(checks))


def _reading(
    effect: float, low: float, high: float, p_value: float, level: float, relevant: float, relevant_reason: str
) -> tuple[Verdict, tuple[str, ...]]:
    if isnan(low):
        return "inconclusive", (
            "No constant effect agrees with these data: the interval is empty, which is a finding about the model.",
        )
    if not (isfinite(low) and isfinite(high)):
        return "inconclusive", (
            f"There are too few comparable sets of controls for a {level:.0%} range: it has no finite bound.",
        )
    shown = f"The {level:.0%} range of the effect is {_number(low)} to {_number(high)} (p = {p_value:.3f})"
    if low > 0 or high < 0:
        direction = "more" if effect > 0 else "less"
        return "valid", (f"{shown} and excludes zero: the test caused {direction} of the KPI.",)
    if max(abs(low), abs(high)) < relevant:
        return "valid", (
            f"{shown}: it contains zero and excludes {_number(relevant)}, {relevant_reason}. The result is that"
            " there is no relevant effect.",
        )
    width = (high - low) / 2
    times = ceil((width / relevant) ** 2) if 0 < relevant < inf else 0
    advice = (
        f" To distinguish {_number(relevant)} ({relevant_reason}) from zero, about {max(2, times)} times"
        " as much data is needed (regions or users, times days)."
        if times
        else ""
    )
    return "inconclusive", (f"{shown} and contains zero as well as relevant effects.{advice}",)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _number(amount: float) -> str:
    return f"{amount:,.0f}" if abs(amount) >= 100 else f"{amount:,.3g}"
