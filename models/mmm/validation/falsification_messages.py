"""What a failed attempt to break a result means for the reader, and what to do; one entry a test."""

from __future__ import annotations

from models.warning import Severity, Warning

WORDS: dict[str, tuple[str, Severity, str, str]] = {
    "placebo": (
        "placebo_failed", "high",
        "{channel} does not stand out from made-up versions of itself: its estimate beats {value:.0%} of them,"
        " {mark:.0%} is asked.",
        "Do not act on {channel} before it is tested.",
    ),
    "perturbation": (
        "fragile_to_noise", "medium", "{channel} moves by {value:.0%} when 5 % noise is put on all media.",
        "Read {channel} with its range only.",
    ),
    "random_common_cause": (
        "fragile_to_controls", "medium", "{channel} moves by {value:.0%} when a meaningless control is added.",
        "Use fewer controls, or a longer history.",
    ),
    "stability": (
        "unstable_over_time", "medium", "{channel} moves by {value:.0%} when the last weeks are left out.",
        "Wait for more data, or test {channel}.",
    ),
    "block": (
        "rests_on_one_block", "medium",
        "The number of {channel} moves by {value:.1f} of its own standard deviations when one year or its five"
        " strongest weeks are left out: a few periods carry it.",
        "Look at what else happened in those periods, and test {channel}.",
    ),
    "contraction": (
        "prior_dominated", "medium",
        "The data removed only {value:.0%} of the uncertainty about {channel}: its number is mostly our assumption.",
        "Test {channel} before acting on its number.",
    ),
    "spend_follows_sales": (
        "spend_follows_demand", "high",
        "{channel} looks as if it was bought because demand was up (p = {value:.1g}). Its number is then wrong,"
        " mostly too high.",
        "Test {channel} in some regions, or add the demand signal its buyers react to as a confounder.",
    ),
    "constant_effect": (
        "effect_changes", "medium",
        "{channel} seems to have worked better in some years than in others (p = {value:.1g}); one number hides that.",
        "Compare {channel} in a fit on the last two years.",
    ),
    "hidden_driver": (
        "easily_overturned", "medium",
        "A driver of sales that nobody recorded would halve the number of {channel} if it explained as little as"
        " {value:.1%} of what is left of its spend and of sales.",
        "Do not rest a decision on {channel} alone; test it.",
    ),
    "unseen_coverage": (
        "ranges_too_narrow", "medium",
        "Only {value:.0%} of weeks the model had not seen fell into their 80 % ranges.",
        "Read all ranges as wider than printed; look for a driver that changed lately.",
    ),
    "unseen_skill": (
        "no_skill_on_unseen_weeks", "medium",
        "On weeks it had not seen, the model predicted worse than repeating last year would have (skill {value:.2f}).",
        "Look for a missing driver or a break of level before using any number.",
    ),
}  # fmt: skip


def warning(test: str, channel: str, value: float, mark: float) -> Warning:
    """The finding for a failed `test`. Raises KeyError for a test without an entry."""
    code, severity, message, action = WORDS[test]
    given = {"channel": channel, "value": value, "mark": mark}
    return Warning(code, severity, channel, message.format(**given), action.format(**given))
