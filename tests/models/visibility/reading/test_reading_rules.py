"""Names, pages, refusals and claims, one case per rule."""

from __future__ import annotations

from datetime import date

import pytest

from models.visibility.reading import Brand, Fact, NameMatcher, canonical_url, cited_page, claims, is_refusal

ROSTER = NameMatcher(
    (Brand("Acme", ("Акме", "アクメ")), Brand("Slack"), Brand("ODA"), Brand("Notion", namesakes=("the notion of",)))
)


@pytest.mark.parametrize(
    ("text", "locale", "named"),
    [
        pytest.param("Slack, then ACME.", "en", ["Slack", "Acme"], id="order of first mention, any case"),
        pytest.param("Acme’s plan and Slack'te", "tr", ["Acme", "Slack"], id="apostrophe and ending"),
        pytest.param("Slackia ja Acmen", "fi", ["Slack", "Acme"], id="endings of Finnish"),
        pytest.param("Slackia", "en", [], id="the same ending in English is another word"),
        pytest.param("Akcje: Acmem, Slackiem", "pl", ["Slack"], id="Polish"),
        pytest.param("Работа с Акмеом", "ru", ["Acme"], id="an alias in Cyrillic, inflected"),
        pytest.param("アクメを使う", "ja", ["Acme"], id="a script without spaces"),
        pytest.param("使用Acme的", "zh", ["Acme"], id="a Latin name inside such a text"),
        pytest.param("Аcme and Sl\u200back", "en", ["Acme", "Slack"], id="look-alike letter, invisible character"),
        pytest.param("Асме is good for small teams", "en", ["Acme"], id="all letters look-alike in a Latin text"),
        pytest.param("Асме хорошо для команд", "ru", [], id="a Russian text keeps its words"),
        pytest.param("oda to joy", "en", [], id="a short name needs its case"),
        pytest.param("ODA it is", "en", ["ODA"], id="a short name in its case"),
        pytest.param("macmec SlackCo", "en", [], id="inside a word"),
        pytest.param("the notion of a team", "en", [], id="namesake"),
        pytest.param("see https://acme.com/slack and <b title='Slack'>x</b><!-- Acme -->", "en", [], id="not prose"),
    ],
)
def test_a_brand_is_named_where_a_reader_would_say_so(text: str, locale: str, named: list[str]) -> None:
    assert ROSTER.named(text, locale) == named


def test_a_mention_stands_at_its_place_in_the_original_text() -> None:
    text = "É\u200b — Аcme!"
    (mention,) = ROSTER.mentions(text)
    assert text[mention.start : mention.end] == "Аcme"


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        pytest.param("https://www.Acme.com:443/a/?utm_source=x&b=1&srsltid=9#q", "acme.com/a?b=1", id="full"),
        pytest.param("acme.com", "acme.com", id="bare host"),
        pytest.param("http://münchen.de/ü", "xn--mnchen-3ya.de/%C3%BC", id="other letters"),
        pytest.param("https://a.com/'\"><script>", "a.com/%27%22%3E%3Cscript%3E", id="markup is encoded"),
        pytest.param("javascript:alert(1)", None, id="script"),
        pytest.param("https://a.com/\x1b[31m", None, id="terminal escape"),
        pytest.param("https://[::1", None, id="broken"),
        pytest.param("=cmd|' /C calc'!A0", None, id="formula"),
        pytest.param("", None, id="empty"),
    ],
)
def test_one_page_has_one_address(url: str, canonical: str | None) -> None:
    assert canonical_url(url) == canonical


@pytest.mark.parametrize(
    ("url", "title", "domain"),
    [
        pytest.param("https://blog.acme.co.uk/x", "", "acme.co.uk", id="registered under co.uk"),
        pytest.param("https://acme.github.io/x", "", "acme.github.io", id="a site on a shared host"),
        pytest.param("https://vertexaisearch.cloud.google.com/redirect/A", "g2.com", "g2.com", id="redirect"),
    ],
)
def test_a_page_belongs_to_its_registered_domain(url: str, title: str, domain: str) -> None:
    page = cited_page(url, title, "cited", 1)
    assert page is not None
    assert page.domain == domain


def test_a_redirect_without_a_site_is_no_page() -> None:
    assert cited_page("https://vertexaisearch.cloud.google.com/x", "Ten best tools", "cited", 1) is None


FACTS = (
    Fact("price", "Acme", ("starts at",), 19.0, valid_to=date(2026, 5, 31)),
    Fact("price", "Acme", ("starts at",), 29.0, valid_from=date(2026, 6, 1), severity="high"),
    Fact("soc2", "Acme", ("SOC 2",), denials=("no SOC 2", "not SOC 2")),
)


@pytest.mark.parametrize(
    ("text", "verdicts"),
    [
        pytest.param("Acme starts at $29 per user. Acme has SOC 2.", ["supported", "supported"], id="right"),
        pytest.param("Acme starts at 19.00 EUR.", ["outdated"], id="the price before June"),
        pytest.param("Acme starts at $1,299.50.", ["contradicted"], id="wrong number"),
        pytest.param("Acme is not SOC 2 compliant.", ["contradicted"], id="denied feature"),
        pytest.param("Slack starts at $8.", [], id="another brand"),
        pytest.param("Acme and Slack both start low; it starts at 5.", [], id="two brands in a sentence"),
        pytest.param("Acme starts at a fair price.", [], id="no number"),
    ],
)
def test_claims_are_checked_against_the_versions_of_the_fact_sheet(text: str, verdicts: list[str]) -> None:
    found = claims(text, ROSTER.mentions(text), FACTS, date(2026, 11, 2))
    assert [claim.verdict for claim in found] == verdicts


@pytest.mark.parametrize(
    ("text", "sources", "refused"),
    [
        pytest.param("I'm sorry, but I can't help with that.", 0, True, id="English"),
        pytest.param("Es tut mir leid, dabei kann ich nicht helfen.", 0, True, id="German"),
        pytest.param("I'm sorry, I can't recommend one, but see the list.", 2, False, id="it cites pages"),
        pytest.param("Good tools are cheap.", 0, False, id="an answer without brands"),
    ],
)
def test_a_refusal_is_no_answer(text: str, sources: int, refused: bool) -> None:
    assert is_refusal(text, sources=sources, brands=0) is refused
