"""SAML log-in with an identity provider of Lasso: linking, logging in, and every answer that must not let anybody in."""

import asyncio
import base64
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.support.browser import Answer, Browser
from tests.support.provider import PASSWORD, Federation, federation

pytestmark = pytest.mark.peer

IDP = "https://idp.example.org"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
SUBJECT_ID = "urn:oasis:names:tc:SAML:attribute:subject-id"
SCRIPT = Path(__file__).parents[1] / "support" / "lasso_idp.py"
DEBIAN_PYTHON = "/usr/bin/python3"
REQUEST = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj")


def lasso(*arguments: object) -> str:
    command = [DEBIAN_PYTHON, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.fixture(scope="module")
def idp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the identity provider's key and metadata."""
    if (
        shutil.which(DEBIAN_PYTHON) is None
        or subprocess.run([DEBIAN_PYTHON, "-c", "import lasso"], check=False, capture_output=True).returncode
    ):
        pytest.skip("Debian's python3-lasso is not installed")
    if shutil.which("xmlsec1") is None:
        pytest.skip("xmlsec1 is not installed")
    home = tmp_path_factory.mktemp("idp")
    for name in ("idp", "rogue"):
        subprocess.run(
            [*REQUEST, f"/CN={name}", "-keyout", str(home / f"{name}.key"), "-out", str(home / f"{name}.crt")],
            check=True,
            capture_output=True,
        )
    (home / "idp.xml").write_text(lasso("metadata", IDP, home / "idp.crt"))
    return home


@dataclass
class Sso:
    """The federation and the identity provider, with a browser between."""

    here: Federation
    idp: Path
    wishes: dict[str, Any] = field(default_factory=dict)

    async def depart(self, browser: Browser, page: Answer) -> Answer:
        """The browser is sent to the identity provider."""
        away = await browser.submit(page, "/oidc/upstream/home/start")
        assert away.status == 303, away.text
        assert away.location.startswith(f"{IDP}/sso?")
        return away

    def answer(self, away: Answer, **changes: Any) -> dict[str, str]:
        """What the identity provider makes the browser post."""
        now = datetime.now(UTC)
        wishes = {
            "now": stamp(now),
            "not_before": stamp(now - timedelta(seconds=5)),
            "not_after": stamp(now + timedelta(minutes=5)),
            "name_id": "a1",
            "format": PERSISTENT,
            "attributes": {SUBJECT_ID: ["alice@example.org"]},
            **changes,
        }
        made = json.loads(lasso("answer", self.idp, urlsplit(away.location).query, json.dumps(wishes)))
        assert made["action"] == f"{self.here.browser().root}/oidc/upstream/home/acs"
        return {"SAMLResponse": made["SAMLResponse"], "RelayState": made["RelayState"]}

    async def post(self, browser: Browser, form: dict[str, str]) -> Answer:
        """From the identity provider's page: cookies stay away."""
        kept, browser.cookies = browser.cookies, {}
        answer = await browser.post("/oidc/upstream/home/acs", form, origin=IDP)
        browser.cookies = kept
        return answer

    async def linked(self, **wishes: Any) -> Browser:
        """Alice has linked her identity there; the browser is hers."""
        browser = await self.here.logged_in()
        away = await self.depart(browser, await browser.get("/oidc/account"))
        done = await browser.follow(await self.post(browser, self.answer(away, **wishes)))
        assert done.status == 200, done.text
        return browser

    async def log_in(self, browser: Browser | None = None, **wishes: Any) -> Answer:
        """A new browser logs in by the identity provider; what the end is."""
        browser = browser or self.here.browser()
        away = await self.depart(browser, await browser.get("/oidc/login"))
        return await browser.follow(await self.post(browser, self.answer(away, **wishes)))


def stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
async def sso(tmp_path: Path, idp: Path) -> AsyncIterator[Sso]:
    upstream = {"name": "home", "label": "Home University", "metadata": idp / "idp.xml"}
    async with federation(f"sqlite:///{tmp_path / 'federation.db'}", tmp_path, saml=[upstream]) as here:
        metadata = await here.browser().get("/oidc/upstream/home/metadata")
        await asyncio.to_thread((idp / "sp.xml").write_bytes, metadata.body)
        yield Sso(here, idp)


async def test_a_linked_identity_logs_in(sso: Sso) -> None:
    await sso.linked()
    assert sso.here.alice.name in (await sso.log_in()).text


async def test_an_identity_is_linked_once_and_to_nobody_else(sso: Sso) -> None:
    browser = await sso.linked()
    away = await sso.depart(browser, await browser.get("/oidc/account"))
    again = await browser.follow(await sso.post(browser, sso.answer(away)))
    assert again.status == 200
    known = await sso.here.commons.registry.credentials(sso.here.alice.uid)
    assert len(known) == 2  # her certificate, and this


async def test_a_stranger_is_told_how_to_link(sso: Sso) -> None:
    end = await sso.log_in()
    assert end.status == 401
    assert "link it on your account page" in end.text


async def test_a_persistent_name_serves_where_no_attribute_does(sso: Sso) -> None:
    await sso.linked(attributes={})
    assert sso.here.alice.name in (await sso.log_in(attributes={})).text


async def test_a_name_for_one_session_identifies_nobody(sso: Sso) -> None:
    end = await sso.log_in(attributes={}, format=TRANSIENT)
    assert (end.status, "only for this session" in end.text) == (401, True)


async def test_two_values_identify_nobody(sso: Sso) -> None:
    attributes = {SUBJECT_ID: ["alice@example.org", "root@example.org"]}
    end = await sso.log_in(attributes=attributes, format=TRANSIENT)
    assert end.status == 401


async def test_an_answer_counts_once(sso: Sso) -> None:
    await sso.linked()
    browser = sso.here.browser()
    away = await sso.depart(browser, await browser.get("/oidc/login"))
    form = sso.answer(away)
    assert (await sso.post(browser, form)).status == 303
    replayed = await sso.post(browser, form)
    assert (replayed.status, "has been used" in replayed.text) == (401, True)


async def test_another_browser_is_not_logged_in_by_somebodys_answer(sso: Sso) -> None:
    await sso.linked()
    mine, victim = sso.here.browser(), sso.here.browser()
    away = await sso.depart(mine, await mine.get("/oidc/login"))
    sent = await sso.post(mine, sso.answer(away))
    await victim.get("/oidc/login")
    end = await victim.follow(sent)
    assert (end.status, "another browser" in end.text) == (401, True)


async def test_an_answer_to_another_request_is_refused(sso: Sso) -> None:
    await sso.linked()
    browser = sso.here.browser()
    first = await sso.depart(browser, await browser.get("/oidc/login"))
    second = await sso.depart(browser, await browser.get("/oidc/login"))
    form = sso.answer(first) | {"RelayState": sso.answer(second)["RelayState"]}
    assert (await sso.post(browser, form)).status == 401


async def test_nobody_comes_in_unasked(sso: Sso) -> None:
    browser = sso.here.browser()
    away = await sso.depart(browser, await browser.get("/oidc/login"))
    form = sso.answer(away) | {"RelayState": "made-up"}
    assert (await sso.post(browser, form)).status == 401


def tampered(text: str, pattern: str, new: str) -> str:
    document = base64.b64decode(text).decode()
    changed = re.sub(pattern, new, document, count=1, flags=re.DOTALL)
    assert changed != document
    return base64.b64encode(changed.encode()).decode()


Damage = Callable[[str], str]
DAMAGES: dict[str, Damage] = {
    "another subject": lambda text: tampered(text, "alice@example.org", "root@example.org"),
    "no signature": lambda text: tampered(text, r"<(ds:)?Signature.*</(ds:)?Signature>", ""),
    "another audience": lambda text: tampered(text, r"(<saml:Audience>)[^<]*", r"\1https://other.example.org"),
    "a later end": lambda text: tampered(text, r'NotOnOrAfter="\d{4}', 'NotOnOrAfter="2999'),
    "a document type": lambda text: tampered(text, "^", '<!DOCTYPE x [<!ENTITY e "alice">]>'),
    "another encoding": lambda text: base64.b64encode(base64.b64decode(text).decode().encode("utf-16")).decode(),
    "no base64": lambda _text: "<Response/>",
    "no XML": lambda _text: base64.b64encode(b"hello").decode(),
    "too long": lambda text: text + "A" * 400_000,
    "nothing": lambda _text: "",
    "a wrapped assertion": lambda text: wrapped(text),
}


def wrapped(text: str) -> str:
    """Signature wrapping: a forged assertion beside the signed one."""
    document = base64.b64decode(text).decode()
    genuine = re.search(r"<saml:Assertion.*</saml:Assertion>", document, re.DOTALL)
    assert genuine
    forged = re.sub(r"<(ds:)?Signature.*?</(ds:)?Signature>", "", genuine[0], flags=re.DOTALL)
    forged = forged.replace("alice@example.org", "root@example.org").replace(' ID="', ' ID="evil', 1)
    return base64.b64encode(document.replace(genuine[0], forged + genuine[0]).encode()).decode()


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_a_damaged_answer_is_refused(sso: Sso, damage: Damage) -> None:
    await sso.linked()
    browser = sso.here.browser()
    away = await sso.depart(browser, await browser.get("/oidc/login"))
    form = sso.answer(away)
    form["SAMLResponse"] = damage(form["SAMLResponse"])
    answer = await sso.post(browser, form)
    assert answer.status in (400, 401), answer.text
    assert "hansa-session" not in answer.header("set-cookie")


async def test_an_expired_answer_is_refused(sso: Sso) -> None:
    past = datetime.now(UTC) - timedelta(hours=1)
    end = await sso.log_in(now=stamp(past), not_before=stamp(past), not_after=stamp(past + timedelta(minutes=5)))
    assert end.status == 401


async def test_another_key_signs_nothing(sso: Sso, tmp_path: Path) -> None:
    await sso.linked()
    rogue = tmp_path / "rogue"
    await asyncio.to_thread(shutil.copytree, sso.idp, rogue)
    for kind in ("key", "crt"):
        await asyncio.to_thread(shutil.copy, rogue / f"rogue.{kind}", rogue / f"idp.{kind}")
    assert (await Sso(sso.here, rogue).log_in()).status == 401


async def test_a_suspended_identity_is_out(sso: Sso) -> None:
    await sso.linked()
    registry = sso.here.commons.registry
    known = await registry.credentials(sso.here.alice.uid)
    await registry.suspend_credential(sso.here.alice.uid, known[-1].id, "lost")
    end = await sso.log_in()
    assert (end.status, "lost" in end.text) == (401, True)


async def test_linking_needs_somebody_who_is_logged_in(sso: Sso) -> None:
    browser = sso.here.browser()
    page = await browser.get("/oidc/login")
    refused = await browser.submit(page, "/oidc/upstream/home/start", purpose="link")
    assert refused.status >= 400
    assert PASSWORD not in refused.text
