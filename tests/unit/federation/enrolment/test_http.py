"""The API and the pages over ASGI, as the TLS front passes requests on."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.enrolment import Office
from tests.support.enrolment import office as an_office

from hansa.base.errors import HansaError
from hansa.federation import web
from hansa.federation.enrolment.http import routes

FORM = {
    "given_name": "상완",
    "surname": "Kim",
    "email": "sangwan@example.org",
    "motivation": "Science.",
    "login": "sangwan",
    "password": "s3cret-enough",
}
JSON = {"content-type": "application/json"}


class Client:
    """A browser or program with a certificate, or with none."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.app = web.app(routes(office.enrolment, office.identity))
        self.headers: dict[str, str] = {}

    async def __call__(
        self, name: str | None, method: str, target: str, body: object = None, **headers: str
    ) -> tuple[int, Any]:
        """Status and JSON or text."""
        path, _, query = target.partition("?")
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {
            **(JSON if method not in ("GET", "HEAD") else {}),
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        chain = [each.public_bytes(Encoding.PEM).decode() for each in self.office.user(name).chain] if name else []
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "root_path": "",
            "query_string": query.encode(), "client": ("192.0.2.1", 4711), "server": ("test", 443), "scheme": "https",
            "headers": [(k.encode(), v.encode("latin-1")) for k, v in sent.items()],
            "extensions": {"tls": {"client_cert_chain": chain}} if chain else {}, "http_version": "1.1",
        }  # fmt: skip
        out: dict[str, Any] = {"body": b""}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                out["status"] = message["status"]
                self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            else:
                out["body"] += message.get("body", b"")

        try:
            await self.app(scope, receive, send)
        except HansaError as error:  # what the outermost layer turns into problem details
            return error.status, {"code": error.code}
        text = out["body"].decode()
        return out["status"], json.loads(text) if "json" in self.headers["content-type"] else text


@pytest.fixture
async def client(database_url, grid) -> AsyncIterator[Client]:
    async with an_office(database_url, grid) as office:
        yield Client(office)


@pytest.fixture
def vo(grid) -> str:
    return f"/api/v1/vos/{grid.vo}"


async def test_the_form_says_what_it_asks_and_what_is_known(client, vo):
    status, form = await client("Sangwan", "GET", f"{vo}/application-form")
    assert status == 200
    assert form["applicant"] == {
        "kind": "x509",
        "subject": "/DC=org/DC=example/O=people/CN=Sangwan",
        "issuer": "/DC=org/DC=example/CN=Example Grid CA",
    }
    assert (form["kind"], form["asks_login"], form["aup"], form["known"]) == ("initial", True, None, {})
    await client.office.commons.registry.publish_policy(client.office.vo, "1", "Be kind.")
    _, form = await client("Sangwan", "GET", f"{vo}/application-form")
    assert form["aup"] == {"version": "1", "text": "Be kind.", "url": ""}


async def test_an_application_is_made_read_and_withdrawn(client, vo):
    status, made = await client("Sangwan", "POST", f"{vo}/applications", FORM)
    assert (status, client.headers["location"]) == (201, "/api/v1/applications/1")
    assert client.headers["cache-control"] == "no-store"
    assert "password" not in json.dumps(made)
    assert made["messages"][0].startswith("You have provided an unverified e-mail address")
    assert (await client("Sangwan", "GET", "/api/v1/applications"))[1]["items"][0]["id"] == 1
    _, korean = await client("Sangwan", "GET", "/api/v1/applications/1", accept_language="ko-KR,en;q=0.1")
    assert korean["messages"][0] == "확인되지 않은 이메일 주소입니다. 받은 메시지의 링크를 따라가 주십시오."
    assert (await client("Sangwan", "POST", "/api/v1/applications/1/withdraw", {}))[1]["state"] == "withdrawn"


async def test_a_dry_run_checks_and_leaves_nothing(client, vo):
    status, told = await client(
        "Sangwan", "POST", f"{vo}/applications", {**FORM, "dry_run": True, "login": "a23456789"}
    )
    assert (status, set(told["warnings"])) == (200, {"login"})
    assert (await client("Sangwan", "GET", "/api/v1/applications"))[1]["items"] == []


async def test_a_dry_run_tells_that_a_login_is_taken(client, vo):
    await client.office.applied("Alice", login="sangwan")
    status, problem = await client("Sangwan", "POST", f"{vo}/applications", {**FORM, "dry_run": True})
    assert (status, problem["fields"]) == (400, {"login": "This login is taken; choose another."})


async def test_looking_for_free_logins_is_bounded(client, vo):
    client.office.enrolment._looks._monotonic = lambda: 0.0
    answers = [await client("Sangwan", "POST", f"{vo}/applications", {**FORM, "dry_run": True}) for _ in range(61)]
    assert [status for status, _ in answers] == [200] * 60 + [429]


async def test_nobody_is_nobody(client, vo):
    for method, path in [
        ("GET", f"{vo}/application-form"),
        ("POST", f"{vo}/applications"),
        ("GET", "/api/v1/applications"),
    ]:
        status, problem = await client(None, method, path, FORM if method == "POST" else None)
        assert (status, problem["code"]) == (401, "unauthenticated")


async def test_a_page_of_another_site_cannot_spend_the_browsers_certificate(client, vo):
    """Certificates go along by themselves: a form's media types are refused, and so is another origin's request."""
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        status, _ = await client("Sangwan", "POST", f"{vo}/applications", FORM, content_type=media_type)
        assert status == 400
    status, problem = await client("Sangwan", "POST", f"{vo}/applications", FORM, origin="https://evil.example")
    assert (status, problem["reason"]) == (403, "identity.cross_site")
    status, _ = await client("Sangwan", "POST", f"{vo}/applications", FORM, origin="https://federation.example.org")
    assert status == 201


BODIES = [
    b"{", b"[]", b'"x"', b"nul", b"\xff", b'{"given_name": 1}', b'{"nothing": 1}', b'{"answers": []}', b'{"answers": {"a": 1}}',
    b'{"renewal": "true"}', b'{"aup": 1}', b'{"email": "' + b"x" * 6000 + b'"}', b"[" * 30000, b'{"given_name": "\\ud800"}',
    b'{"answers": ' + b'{"a":' * 2000 + b"1" + b"}" * 2001, b"1" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
async def test_bodies_that_are_none(client, vo, body):
    status, problem = await client("Sangwan", "POST", f"{vo}/applications", body)
    assert (status, problem["code"]) == (400, "bad_request")


async def test_a_body_is_bounded(client, vo):
    status, problem = await client("Sangwan", "POST", f"{vo}/applications", b" " * 70_000)
    assert (status, problem["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/api/v1/vos/nowhere/applications", 403),
        ("/api/v1/vos/../application-form", 404),
        ("/api/v1/vos/a%00b/application-form", 404),
        ("/api/v1/vos/fedcloud.egi.eu/application-form?group=%00", 400),
        ("/api/v1/vos/fedcloud.egi.eu/application-form?group=/atlas", 400),
        ("/api/v1/applications/99", 404),
        ("/api/v1/applications/99999999999999999999999", 404),
        ("/api/v1/applications/x", 404),
        ("/api/v1/applications/-1", 404),
    ],
)
async def test_what_is_not_there(client, target, status):
    path, question, query = target.partition("?")
    assert (await client("Sangwan", "GET", path.replace("%00", "\0") + question + query))[0] == status


@pytest.mark.parametrize("query", ["state=nope", "limit=0", "limit=x", "limit=-1", "after=x", "limit=99999999999"])
async def test_queries_that_are_none(client, vo, query):
    await client.office.member("Boss", "VO-Admin")
    assert (await client("Boss", "GET", f"{vo}/applications?{query}"))[0] == 400


async def test_the_administrator_lists_and_decides(client, vo):
    await client.office.member("Boss", "VO-Admin")
    made = await client.office.confirmed()
    _, page = await client("Boss", "GET", f"{vo}/applications?state=mail_verified&search=%00sangwan")
    assert [each["id"] for each in page["items"]] == [made.id]
    status, problem = await client("Boss", "POST", f"/api/v1/applications/{made.id}/reject", {})
    assert status == 400, problem
    status, done = await client("Boss", "POST", f"/api/v1/applications/{made.id}/reject", {"reason": "no"})
    assert (status, done["state"], done["reason"]) == (200, "rejected", "no")
    assert (await client("Boss", "POST", f"/api/v1/applications/{made.id}/approve", {}))[0] == 409


async def test_rules_are_read_by_all_and_set_by_administrators(client, vo):
    await client.office.member("Boss", "VO-Admin")
    status, rules = await client("Sangwan", "GET", f"{vo}/enrolment-rules")
    assert (status, rules["reminders"]) == (200, [30, 15, 7, 1])
    changed = {**rules, "confirm_days": 3}
    assert (await client("Sangwan", "PUT", f"{vo}/enrolment-rules", changed))[0] == 403
    assert (await client("Boss", "PUT", f"{vo}/enrolment-rules", changed))[1] == changed
    status, problem = await client("Boss", "PUT", f"{vo}/enrolment-rules", {"reminders": "x"})
    assert (status, problem["code"], problem["field"]) == (400, "enrolment.rules", "reminders")


async def test_a_link_asks_on_get_and_acts_on_post(client):
    made = await client.office.applied()
    code = await client.office.code(made.email)
    status, html = await client(None, "GET", f"/join/confirm?code={code}")
    assert (status, f'value="{code}"' in html) == (200, True)
    assert client.headers["content-security-policy"] == (
        "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert (client.headers["referrer-policy"], client.headers["cache-control"]) == ("no-referrer", "no-store")
    assert "<script" not in html
    form = {"content_type": "application/x-www-form-urlencoded"}
    status, html = await client(None, "POST", "/join/confirm", f"code={code}".encode(), **form)
    assert (status, "Your e-mail address is confirmed" in html) == (200, True)
    status, html = await client(None, "POST", "/join/confirm", f"code={code}".encode(), **form)
    assert (status, "nothing left to do" in html) == (410, True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"code=",
        b"code=%00",
        b"code=<script>",
        b"x=1&" * 100,
        b"code=" + b"x" * 3000,
        b"\xff\xfe",
        b"code=a&code=b",
    ],
)
@pytest.mark.parametrize("page", ["confirm", "decline"])
async def test_forms_that_are_none_change_nothing(client, body, page):
    status, html = await client(None, "POST", f"/join/{page}", body, content_type="application/x-www-form-urlencoded")
    assert status in (400, 404, 413)
    assert "<script" not in html


async def test_what_people_wrote_is_escaped_on_the_page(client):
    made = await client.office.applied(email="o'neill&co@example.org")
    _, html = await client(None, "GET", f"/join/confirm?code={await client.office.code(made.email)}")
    assert "o&#39;neill&amp;co@example.org" in html


async def test_i_do_not_renew_by_its_page(client):
    await client.office.member("Alice", until=timedelta(days=20))
    await client.office.enrolment.sweep()
    code = await client.office.code("alice@example.org")
    status, html = await client(None, "GET", f"/join/decline?code={code}")
    assert (status, "I do not renew" in html) == (200, True)
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert (await client(None, "POST", "/join/decline", f"code={code}".encode(), **form))[0] == 200
    assert (await client(None, "POST", "/join/confirm", f"code={code}".encode(), **form))[0] == 404
