"""The page's routes. Whoever holds a person's token is that person; every change needs that person's own form."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from feedback.approvals.digest import OpenDecision, digest, nobody_can_decide, open_decisions
from feedback.approvals.ledger import ApprovalRefused, Approvals
from feedback.approvals.page.sessions import SECONDS, Sessions
from feedback.approvals.page.view import rendered, shown, style
from feedback.approvals.request import REASONS
from feedback.approvals.tokens import PeopleTokens, mark_of
from models.error import PlumblineError

COOKIE = "plumbline_person"
MOST_BYTES = 4096
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none';"
        " base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True)
class PageSettings:
    """The company's name, the report currency, the host names under which it answers, and whether TLS protects it."""

    company: str
    currency: str
    clock: Callable[[], datetime]
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    tls: bool = False


@dataclass(frozen=True)
class _Visitor:
    """Who asks. `now` dates decisions and may be the workspace's set day; `seconds` is real time, for sessions."""

    person: str
    cookie: str
    now: datetime
    seconds: int


def application(
    ledger: Callable[[], Approvals], tokens: PeopleTokens, settings: PageSettings, sessions: Sessions | None = None
) -> Starlette:
    """The page as an application. `ledger` is asked anew for each request, so that a changed policy counts at once.

    Without a session every route leads to the sign-in. A ledger that was tampered with answers 503 with the reason and
    decides nothing.
    """
    return Starlette(
        routes=_Page(ledger, tokens, settings, sessions or Sessions()).routes(),
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(settings.hosts), www_redirect=False)],
    )


class _Page:
    def __init__(
        self, ledger: Callable[[], Approvals], tokens: PeopleTokens, settings: PageSettings, sessions: Sessions
    ) -> None:
        self._ledger, self._tokens, self._settings, self._sessions = ledger, tokens, settings, sessions

    def routes(self) -> list[Route]:
        return [
            Route("/", self._guarded(self._list), methods=["GET"]),
            Route("/page.css", self._style, methods=["GET"]),
            Route("/sign-in", self._sign_in, methods=["POST"]),
            Route("/sign-out", self._guarded(self._sign_out), methods=["POST"]),
            Route("/decision/{subject}", self._guarded(self._decision), methods=["GET", "POST"]),
        ]

    def _guarded(
        self, answer: Callable[[Request, _Visitor], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def check(request: Request) -> Response:
            try:
                visitor = self._visitor(request)
                if visitor is None:
                    return self._html("sign_in.html.j2", title=self._title("Decisions"), fault="")
                return await answer(request, visitor)
            except _TooMuch:
                return self._refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The form is too large.")
            except PlumblineError as error:
                return self._refused(HTTPStatus.SERVICE_UNAVAILABLE, str(error))

        return check

    async def _list(self, request: Request, visitor: _Visitor) -> Response:
        approvals = self._ledger()
        week = digest(approvals, visitor.now)
        rows = [self._shown(d, approvals, visitor) for d in week.decisions]
        person = approvals.policy.person(visitor.person)
        return self._html(
            "list.html.j2",
            title=self._title("Decisions"),
            name=person.name or person.id if person else visitor.person,
            week=week,
            said=SAID.get(request.query_params.get("said", ""), ""),
            notes=nobody_can_decide([*week.decisions, *week.announced]),
            mine=[row for row in rows if row["mine"]],
            others=[row for row in rows if not row["mine"]],
            announced=[self._shown(d, approvals, visitor) for d in week.announced],
            mark=self._sessions.mark(visitor.cookie, "sign-out", visitor.seconds),
        )

    async def _decision(self, request: Request, visitor: _Visitor) -> Response:
        subject = request.path_params["subject"]
        if request.method == "POST":
            return await self._decide(request, visitor, subject)
        return self._detail(visitor, subject)

    def _detail(self, visitor: _Visitor, subject: str, fault: str = "", status: int = HTTPStatus.OK) -> Response:
        approvals = self._ledger()
        decision = next((d for d in open_decisions(approvals, visitor.now) if d.subject == subject), None)
        if decision is None:
            return self._refused(HTTPStatus.NOT_FOUND, fault or "There is no open decision of this name.")
        return self._html(
            "decision.html.j2",
            status=status,
            title=self._title("Decision"),
            d=self._shown(decision, approvals, visitor),
            fault=fault,
            mark=self._sessions.mark(visitor.cookie, subject, visitor.seconds),
        )

    async def _decide(self, request: Request, visitor: _Visitor, subject: str) -> Response:
        form = await _form(request)
        shown_at = self._sessions.shown_at(form.get("mark", ""), visitor.cookie, subject, visitor.seconds)
        if shown_at is None or not _same_site(request):
            return self._refused(HTTPStatus.FORBIDDEN, "The form is not from this page or is too old. Open it again.")
        decision, reason = form.get("decision"), form.get("reason", "")
        if decision not in ("approve", "deny"):
            return self._detail(visitor, subject, "Choose Approve or Deny.", HTTPStatus.BAD_REQUEST)
        if decision == "deny" and reason not in REASONS:
            return self._detail(visitor, subject, "A denial needs one of the reasons.", HTTPStatus.BAD_REQUEST)
        approvals, seconds = self._ledger(), float(visitor.seconds - shown_at)
        try:
            if decision == "approve":
                status = approvals.approve(
                    subject, by=visitor.person, at=visitor.now, identified="token", seconds_shown=seconds
                )
            else:
                status = approvals.deny(
                    subject,
                    by=visitor.person,
                    reason=reason,
                    at=visitor.now,
                    identified="token",
                    seconds_shown=seconds,
                )
        except ApprovalRefused as refused:
            return self._detail(visitor, subject, str(refused), HTTPStatus.CONFLICT)
        return RedirectResponse(f"/?said={status.state}", HTTPStatus.SEE_OTHER, headers=HEADERS)

    async def _sign_in(self, request: Request) -> Response:
        try:
            form = await _form(request)
            token = form.get("token", "").strip()
            person = self._tokens.owner(token) if _same_site(request) else None
            known = person is not None and self._ledger().policy.person(person) is not None
        except _TooMuch:
            return self._refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The form is too large.")
        except PlumblineError as error:
            return self._refused(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        if person is None or not known:
            fault = "This is nobody's token."
            title = self._title("Decisions")
            return self._html("sign_in.html.j2", status=HTTPStatus.UNAUTHORIZED, title=title, fault=fault)
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER, headers=HEADERS)
        cookie = self._sessions.begin(person, mark_of(token), int(time.time()))
        answer.set_cookie(COOKIE, cookie, max_age=SECONDS, httponly=True, samesite="strict", secure=self._settings.tls)
        return answer

    async def _sign_out(self, request: Request, visitor: _Visitor) -> Response:
        mark = (await _form(request)).get("mark", "")
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER, headers=HEADERS)
        if self._sessions.shown_at(mark, visitor.cookie, "sign-out", visitor.seconds) is not None:
            answer.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=self._settings.tls)
        return answer

    async def _style(self, request: Request) -> Response:
        return Response(style(), media_type="text/css", headers=HEADERS)

    def _visitor(self, request: Request) -> _Visitor | None:
        """Who asks; None without a session, and for a person whose token ended or who left the policy."""
        seconds, cookie = int(time.time()), request.cookies.get(COOKIE, "")
        session = self._sessions.person(cookie, seconds)
        if session is None:
            return None
        person, token = session
        if self._tokens.mark(person) != token or self._ledger().policy.person(person) is None:
            return None
        return _Visitor(person, cookie, self._settings.clock(), seconds)

    def _shown(self, decision: OpenDecision, approvals: Approvals, visitor: _Visitor) -> dict[str, object]:
        return shown(decision, approvals.policy, visitor.person, visitor.now, self._settings.currency)

    def _title(self, what: str) -> str:
        return f"{what}, {self._settings.company}"

    def _refused(self, status: HTTPStatus, sentence: str) -> Response:
        return self._html("refused.html.j2", status=status, title=self._title("Not possible"), sentence=sentence)

    def _html(self, template: str, *, status: int = HTTPStatus.OK, **values: object) -> Response:
        return HTMLResponse(rendered(template, **values), status_code=status, headers=HEADERS)


SAID = {
    "pending": "Your approval is recorded; others must approve too.",
    "approved": "Approved. The next run carries it out.",
    "denied": "Denied. It will not be carried out.",
}


class _TooMuch(Exception):
    """A form larger than any of ours."""


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form of at most `MOST_BYTES`; a field that is given twice counts as missing."""
    content = b""
    try:
        async for piece in request.stream():
            content += piece
            if len(content) > MOST_BYTES:
                raise _TooMuch
    except ClientDisconnect:
        return {}
    try:
        fields = parse_qs(content.decode("utf-8", errors="replace"), keep_blank_values=True, max_num_fields=10)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items() if len(values) == 1}


def _same_site(request: Request) -> bool:
    """Whether the browser says that the form came from this very page; browsers that say nothing rely on the mark."""
    return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
