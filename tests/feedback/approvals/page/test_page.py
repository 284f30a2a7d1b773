"""The page over its routes: whoever has no token sees nothing, and no form but the page's own decides."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from made_requests import ADA, BOB, CARA, NOW, OTHER, SHA, ledger, request
from served_page import listening

from feedback.approvals import Approvals
from feedback.approvals.page import PageRefused, PageSettings, application, serve
from feedback.approvals.page.sessions import SECONDS, Sessions
from feedback.approvals.tokens import PeopleTokens

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


@pytest.fixture
def approvals(tmp_path: Path) -> Approvals:
    approvals = ledger(tmp_path)
    approvals.ask(request(title=HOSTILE, evidence="{{ 7*7 }} & more", worth=1200))
    return approvals


@pytest.fixture
def tokens(tmp_path: Path) -> PeopleTokens:
    return PeopleTokens(tmp_path / "tokens.json")


@pytest.fixture
def page(approvals: Approvals, tokens: PeopleTokens) -> Iterator[httpx.Client]:
    settings = PageSettings(company="Acme & Sons", currency="EUR", clock=lambda: NOW)
    with (
        listening(application(lambda: approvals, tokens, settings)) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=10) as client,
    ):
        yield client


def sign_in(page: httpx.Client, tokens: PeopleTokens, person: str = ADA) -> None:
    assert page.post("/sign-in", data={"token": tokens.new(person)}).status_code == 303


def mark_of(page: httpx.Client, subject: str) -> str:
    found = re.search(r'name="mark" value="([^"]+)"', page.get(f"/decision/{subject}").text)
    assert found is not None
    return found[1]


def test_without_a_token_there_is_only_the_sign_in(page: httpx.Client, approvals: Approvals) -> None:
    subject = request().subject
    for path in ("/", f"/decision/{subject}"):
        shown = page.get(path)
        assert "Your token" in shown.text
        assert "alert(1)" not in shown.text
    assert page.post(f"/decision/{subject}", data={"decision": "approve", "mark": "x"}).status_code == 200
    assert page.post("/sign-in", data={"token": "guess"}).status_code == 401
    assert approvals.status(subject, NOW).state == "pending"


def test_what_comes_from_outside_is_shown_as_text_under_a_strict_policy(page, tokens) -> None:
    sign_in(page, tokens)
    for path in ("/", f"/decision/{request().subject}"):
        shown = page.get(path)
        assert html.escape(HOSTILE) in shown.text.replace("&#34;", "&quot;")
        assert "<script" not in shown.text
        assert "<img" not in shown.text
        assert "{{ 7*7 }}" in shown.text
        policy = shown.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert shown.headers["cache-control"] == "no-store"
    assert "€1,200" in page.get("/").text


def test_a_decision_on_the_page_is_recorded_with_token_and_time(page, tokens, approvals) -> None:
    sign_in(page, tokens)
    subject = request().subject
    done = page.post(f"/decision/{subject}", data={"decision": "approve", "mark": mark_of(page, subject)})
    assert (done.status_code, done.headers["location"]) == (303, "/?said=approved")
    assert "The next run carries it out" in page.get("/?said=approved").text
    (deed,) = approvals.book().case(subject).approvals
    assert (deed.by, deed.identified) == (ADA, "token")
    assert 0 <= deed.seconds_shown < 60
    assert page.get(f"/decision/{subject}").status_code == 404


def test_a_denial_needs_a_reason(page, tokens, approvals) -> None:
    sign_in(page, tokens)
    subject = request().subject
    form = {"decision": "deny", "mark": mark_of(page, subject)}
    assert page.post(f"/decision/{subject}", data={**form, "reason": ""}).status_code == 400
    assert page.post(f"/decision/{subject}", data={**form, "reason": "brand"}).headers["location"] == "/?said=denied"
    assert approvals.status(subject, NOW).reason == "brand"


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param({"mark": ""}, id="no mark"),
        pytest.param({"mark": "1.abc"}, id="a made-up mark"),
        pytest.param({"of": OTHER}, id="the mark of another decision"),
        pytest.param({"by": BOB}, id="the mark of another person"),
        pytest.param({"site": "cross-site"}, id="a form on another site"),
        pytest.param({"host": "evil.example"}, id="another host name"),
        pytest.param({"fields": {"decision": ["approve", "deny"]}}, id="two decisions at once"),
        pytest.param({"fields": {"padding": "x" * 5000}}, id="an oversized form"),
        pytest.param({"fields": {f"f{i}": "1" for i in range(50)}}, id="too many fields"),
    ],
)
def test_a_form_that_is_not_this_person_s_own_decides_nothing(page, tokens, approvals, attack) -> None:
    approvals.ask(request(artifact_sha256=OTHER))
    subject = request().subject
    sign_in(page, tokens, attack.get("by", ADA))
    other = request(artifact_sha256=attack.get("of", SHA)).subject
    mark = attack.get("mark", mark_of(page, other))
    if "by" in attack:
        page.cookies.clear()
        sign_in(page, tokens)
    headers = {"Sec-Fetch-Site": attack.get("site", "same-origin"), "Host": attack.get("host", "127.0.0.1")}
    form = {"decision": "approve", "mark": mark, **attack.get("fields", {})}
    assert page.post(f"/decision/{subject}", data=form, headers=headers).status_code in (400, 403, 413)
    assert approvals.status(subject, NOW).by == ()


def test_a_person_without_a_say_is_shown_no_button_and_refused(page, tokens, approvals) -> None:
    sign_in(page, tokens, CARA)
    subject = request().subject
    shown = page.get(f"/decision/{subject}").text
    assert "This is not yours to decide" in shown
    assert "<button" not in shown
    assert "Waiting for others" in page.get("/").text


def test_a_session_ends_with_its_token_its_person_and_its_time(page, tokens, approvals, tmp_path) -> None:
    sign_in(page, tokens)
    assert "For you" in page.get("/").text
    tokens.revoke(ADA)
    assert "Your token" in page.get("/").text
    sessions = Sessions()
    cookie = sessions.begin(ADA, "0123456789abcdef", 1000)
    assert sessions.person(cookie, 1000 + SECONDS - 1) == (ADA, "0123456789abcdef")
    assert sessions.person(cookie, 1000 + SECONDS) is None
    for forged in (cookie.replace(ADA, BOB), cookie[:-1], "", "a.b.c.d", "é" * 9, "x" * 9000):
        assert sessions.person(forged, 1000) is None
    assert Sessions().person(cookie, 1000) is None


def test_a_session_ends_when_its_person_gets_another_token(page, tokens, approvals) -> None:
    sign_in(page, tokens)
    assert "For you" in page.get("/").text
    tokens.new(ADA)
    assert "Your token" in page.get("/").text


def test_signing_out_needs_the_page_s_own_form(page, tokens) -> None:
    sign_in(page, tokens)
    page.post("/sign-out", data={"mark": "x"})
    assert "For you" in page.get("/").text
    mark = re.search(r'name="mark" value="([^"]+)"', page.get("/").text)
    page.post("/sign-out", data={"mark": mark[1]})
    assert "Your token" in page.get("/").text


def test_a_tampered_ledger_decides_nothing_and_says_why(page, tokens, approvals, tmp_path) -> None:
    sign_in(page, tokens)
    subject = request().subject
    mark = mark_of(page, subject)
    path = tmp_path / "ledger.jsonl"
    path.write_text(path.read_text().replace("publish", "audience"))
    for answer in (page.get("/"), page.post(f"/decision/{subject}", data={"decision": "approve", "mark": mark})):
        assert answer.status_code == 503
        assert "row 1" in answer.text


def test_tokens_are_kept_as_hashes_for_their_owner_only(tokens, tmp_path) -> None:
    first, second = tokens.new(ADA), tokens.new(BOB)
    content = (tmp_path / "tokens.json").read_text()
    assert first not in content
    assert second not in content
    assert (tmp_path / "tokens.json").stat().st_mode & 0o777 == 0o600
    assert (tokens.owner(first), tokens.owner(second), tokens.owner(first + "x")) == (ADA, BOB, None)
    tokens.new(ADA)
    assert tokens.owner(first) is None


def test_other_machines_need_tls_in_front(approvals, tokens) -> None:
    settings = PageSettings(company="Acme", currency="EUR", clock=lambda: NOW)
    for host in ("0.0.0.0", "10.1.2.3", "decisions.example"):
        with pytest.raises(PageRefused, match="--public-host"):
            serve(lambda: approvals, tokens, settings, host=host, port=0)
