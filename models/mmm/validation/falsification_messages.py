"""The warning for each failed falsification test: its meaning for the reader, and the action."""

from __future__ import annotations

from models.warning import Severity, Warning

MESSAGES: dict[str, tuple[str, Severity, str, str]] = {
    "placebo": (
        "placebo_failed",
        "high",
        "{channel} does not stand out from placebo versions of itself: its estimate beats {value:.0%} of them;"
        " {mark:.0%} is required.",
        "Do not act on {channel} before it is tested.",
    ),
    "perturbation": (
        "fragile_to_noise",
        "medium",
        "{channel} moves by {value:.0%} when 5 % noise is put on all media.",
        "Read {channel} with its range only.",
    ),
    "random_common_cause": (
        "fragile_to_controls",
        "medium",
        "{channel} moves by {value:.0%} when a meaningless control is added.",
        "Use fewer controls, or a longer history.",
    ),
    "stability": (
        "unstable_over_time",
        "medium",
        "{channel} moves by {value:.0%} when the last weeks are left out.",
        "Wait for more data, or test {channel}.",
    ),
    "block": (
        "rests_on_one_block",
        "medium",
        "The estimate of {channel} moves by {value:.1f} of its standard deviations when one year or its five"
        " strongest weeks are left out: it rests on a few periods.",
        "Look at what else happened in those periods, and test {channel}.",
    ),
    "contraction": (
        "prior_dominated",
        "medium",
        "The data removed only {value:.0%} of the prior variance of {channel}: its estimate is mostly assumption.",
        "Test {channel} before acting on its number.",
    ),
    "spend_follows_sales": (
        "spend_follows_demand",
        "high",
        "{channel} may have been bought because demand was up (p = {value:.1g}). Its number is then biased,"
        " usually upwards.",
        "Test {channel} in some regions, or add the demand signal its buyers react to as a confounder.",
    ),
    "constant_effect": (
        "effect_changes",
        "medium",
        "The effect of {channel} seems to differ between years (p = {value:.1g}); one number hides that.",
        "Compare {channel} in a fit on the last two years.",
    ),
    "hidden_driver": (
        "easily_overturned",
        "medium",
        "An unrecorded driver of sales would halve the number of {channel} if it explained as little as {value:.1%}"
        " of the residual variance of its spend and of sales.",
        "Do not base a decision on {channel} alone; test it.",
    ),
    "unseen_coverage": (
        "ranges_too_narrow",
        "medium",
        "Only {value:.0%} of the weeks that the model had not seen fell into their 80 % intervals.",
        "Treat all intervals as wider than printed; look for a driver that changed recently.",
    ),
    "unseen_skill": (
        "no_skill_on_unseen_weeks",
        "medium",
        "On weeks it had not seen, the model predicted worse than last year's values (skill {value:.2f}).",
        "Look for a missing driver or a level shift before using any number.",
    ),
}


def warning(test: str, channel: str, value: float, mark: float) -> Warning:
    """The warning for a failed `test`. Raises KeyError for a test without an entry."""
    code, severity, message, action = MESSAGES[test]
    given = {"channel": channel, "value": value, "mark": mark}
    return Warning(code, severity, channel, message.format(**given), action.format(**given))
