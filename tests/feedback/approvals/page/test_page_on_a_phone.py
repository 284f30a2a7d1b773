"""A person decides on a phone: signs in, reads, approves one request and denies another, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_requests import ADA, NOW, OTHER, ledger, request
from phone_browser import WIDTH, phone
from served_page import listening

from feedback.approvals.page import PageSettings, application
from feedback.approvals.tokens import PeopleTokens

FITS = "document.documentElement.scrollWidth <= window.innerWidth"
# A finger needs 44 points; links inside a line of text are not meant.
SMALL = (
    "[...document.querySelectorAll('button, input:not([type=hidden]), select, .card a')]"
    ".filter(e => e.getBoundingClientRect().height < 44).map(e => e.outerHTML)"
)


@pytest.mark.slow
def test_a_decision_is_made_on_a_phone_without_script_network_or_sideways_scrolling(tmp_path: Path) -> None:
    approvals = ledger(tmp_path)
    hostile = "<img src=x onerror=\"document.title='owned'\"> " + "Averylongwordwithoutanybreak" * 4
    yes = request(title="Publish the comparison page", evidence="Tier B, 84 tests; +7.3 % clicks", worth=1200)
    no = request(artifact_sha256=OTHER, title=hostile)
    approvals.ask_all([yes, no])
    tokens = PeopleTokens(tmp_path / "tokens.json")
    token = tokens.new(ADA)
    settings = PageSettings(company="Acme", currency="EUR", clock=lambda: NOW)
    with listening(application(lambda: approvals, tokens, settings)) as address, phone(tmp_path / "browser") as tab:
        tab.open(address)
        tab.wait_for("Your token")
        tab.tap("#token")
        tab.tell("Input.insertText", text=token)
        tab.tap("button")
        tab.wait_for("For you")
        assert tab.ask("window.innerWidth") == WIDTH
        assert tab.ask(FITS)
        assert tab.ask(SMALL) == []
        assert "€1,200" in tab.ask("document.body.innerText")
        assert tab.ask("getComputedStyle(document.querySelector('.card')).borderTopStyle") == "solid"
        tab.picture(tmp_path / "list.png")

        tab.tap(f'a[href="/decision/{yes.subject}"]')
        tab.wait_for("Your decision is for exactly this")
        assert tab.ask(FITS)
        assert tab.ask(SMALL) == []
        tab.tap('button[value="approve"]')
        tab.wait_for("The next run carries it out")

        tab.tap(f'a[href="/decision/{no.subject}"]')
        tab.wait_for("Your decision is for exactly this")
        assert tab.ask(FITS)
        assert tab.ask("document.title") == "Decision, Acme"
        assert tab.ask("document.images.length") == 0
        tab.tap('button[value="deny"]')
        assert tab.ask("document.querySelector('select').validity.valueMissing")
        tab.ask("document.querySelector('select').value = 'brand'")
        tab.tap('button[value="deny"]')
        tab.wait_for("Nothing waits for you")
        assert {url.split("/")[2] for url in tab.requested if url.startswith("http")} == {address.split("/")[2]}
    assert approvals.status(yes.subject, NOW).state == "approved"
    assert (approvals.status(no.subject, NOW).state, approvals.status(no.subject, NOW).reason) == ("denied", "brand")
    assert (tmp_path / "list.png").stat().st_size > 5_000
