"""Logging in with an OpenID Provider elsewhere: it says who somebody is, linking says who that is here."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from tests.support.browser import Answer, Browser
from tests.support.issuer import CLIENT, SECRET, Upstream, upstream
from tests.support.provider import Federation, federation

from hansa.base.errors import ConfigurationError
from hansa.federation.membership.model import Details, Subject
from hansa.federation.provider.settings import ProviderSettings
from hansa.federation.provider.upstream.saml import SamlCounterpart
from hansa.federation.provider.upstream.settings import SamlUpstreamSettings


@dataclass
class Elsewhere:
    """The federation, and a provider upstream that knows its client. `subject`: whom it logs in."""

    here: Federation
    there: Upstream
    subject: str = "alice@home"

    async def depart(self, browser: Browser, page: str = "/oidc/login") -> dict[str, str]:
        """The browser is sent there; what it is sent with."""
        away = await browser.submit(await browser.get(page), "/oidc/upstream/home/start")
        assert away.location.startswith(f"{self.there.url}/authorize?"), away.text
        return dict(parse_qsl(urlsplit(away.location).query))

    async def back(self, browser: Browser, asked: dict[str, str], **claims: Any) -> Answer:
        """The provider sends the browser back with a code, which it redeems."""
        self.there.answers["/token"] = 200, self.tokens(asked, **claims)
        answer = await browser.get(f"/oidc/upstream/home/callback?{urlencode({'code': 'c', 'state': asked['state']})}")
        return await browser.follow(answer)

    def tokens(self, asked: dict[str, str], **claims: Any) -> dict[str, str]:
        told = {"aud": CLIENT, "sub": self.subject, "nonce": asked["nonce"], **claims}
        identity = self.there.token(self.here.grid.now, typ="JWT", **told)
        return {"access_token": "opaque", "token_type": "Bearer", "id_token": identity}

    async def linked(self) -> None:
        browser = await self.here.logged_in()
        answer = await self.back(browser, await self.depart(browser, "/oidc/account"))
        assert answer.status == 200, answer.text


@pytest.fixture
def there() -> Iterator[Upstream]:
    with upstream() as running:
        yield running


@pytest.fixture
async def elsewhere(tmp_path: Path, there: Upstream) -> AsyncIterator[Elsewhere]:
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    settings = {"name": "home", "label": "Home", "issuer": there.url, "client_id": CLIENT, "client_secret_file": secret}
    url = f"sqlite:///{tmp_path / 'federation.db'}"
    async with federation(url, tmp_path, oidc=[settings]) as here:
        yield Elsewhere(here, there)


async def test_a_linked_identity_logs_in(elsewhere: Elsewhere) -> None:
    await elsewhere.linked()
    browser = elsewhere.here.browser()
    page = await browser.get("/oidc/login")
    assert "Log in with Home" in str(page.body)
    assert elsewhere.there.url in page.header("content-security-policy")
    answer = await elsewhere.back(browser, await elsewhere.depart(browser))
    assert elsewhere.here.alice.name in answer.text


async def test_the_request_is_bound_by_pkce_state_and_nonce(elsewhere: Elsewhere) -> None:
    asked = await elsewhere.depart(elsewhere.here.browser())
    assert (asked["code_challenge_method"], asked["client_id"]) == ("S256", CLIENT)
    assert asked["redirect_uri"] == f"{elsewhere.here.browser().root}/oidc/upstream/home/callback"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3


async def test_a_stranger_stays_outside(elsewhere: Elsewhere) -> None:
    browser = elsewhere.here.browser()
    answer = await elsewhere.back(browser, await elsewhere.depart(browser))
    assert (answer.status, "link it on your account page" in answer.text) == (401, True)


async def test_two_persons_cannot_link_one_identity(elsewhere: Elsewhere) -> None:
    registry = elsewhere.here.commons.registry
    await elsewhere.linked()
    [*_others, known] = await registry.credentials(elsewhere.here.alice.uid)
    assert known.credential == Subject(elsewhere.there.url, "alice@home")
    await registry.unlink(elsewhere.here.alice.uid, known.id)
    bob = await registry.add_person(Details("Bob Example"), [Subject(elsewhere.there.url, "alice@home")])
    browser = await elsewhere.here.logged_in()
    answer = await elsewhere.back(browser, await elsewhere.depart(browser, "/oidc/account"))
    assert answer.status == 409
    assert (await registry.person_of(Subject(elsewhere.there.url, "alice@home"))) == bob


async def test_a_state_counts_once(elsewhere: Elsewhere) -> None:
    await elsewhere.linked()
    browser = elsewhere.here.browser()
    asked = await elsewhere.depart(browser)
    assert (await elsewhere.back(browser, asked)).status == 200
    assert (await elsewhere.back(browser, asked)).status == 401


async def test_another_browser_is_not_logged_in(elsewhere: Elsewhere) -> None:
    await elsewhere.linked()
    asked = await elsewhere.depart(elsewhere.here.browser())
    victim = elsewhere.here.browser()
    await victim.get("/oidc/login")
    assert (await elsewhere.back(victim, asked)).status == 401


@pytest.mark.parametrize(
    "claims", [{"nonce": "other"}, {"aud": "somebody else"}, {"iss": "https://evil.example.org"}, {"sub": None}]
)
async def test_an_identity_token_that_is_not_for_us_is_refused(elsewhere: Elsewhere, claims: dict[str, Any]) -> None:
    await elsewhere.linked()
    browser = elsewhere.here.browser()
    answer = await elsewhere.back(browser, await elsewhere.depart(browser), **claims)
    assert answer.status == 401
    assert "session" not in answer.header("set-cookie")


async def test_a_refusal_there_is_told_here(elsewhere: Elsewhere) -> None:
    browser = elsewhere.here.browser()
    asked = await elsewhere.depart(browser)
    query = urlencode({"error": "access_denied", "state": asked["state"]})
    answer = await browser.get(f"/oidc/upstream/home/callback?{query}")
    assert (answer.status, "did not log you in" in answer.text) == (401, True)


async def test_a_form_of_another_site_begins_nothing(elsewhere: Elsewhere) -> None:
    browser = elsewhere.here.browser()
    await browser.get("/oidc/login")
    assert (await browser.post("/oidc/upstream/home/start", {"form_token": "made-up"})).status == 403


def test_names_of_providers_are_distinct() -> None:
    oidc = {"name": "a", "label": "A", "issuer": "https://a.example.org", "client_id": "x"}
    saml = {"name": "a", "label": "B", "metadata": "/nowhere"}
    common = {"namespace": "urn:geant:example.org", "authority": "aai.example.org"}
    with pytest.raises(ValueError, match="same name"):
        ProviderSettings.model_validate({**common, "oidc": [oidc], "saml": [saml]})


@pytest.mark.parametrize("content", ["", "<EntityDescriptor", "<a/>"])
def test_saml_metadata_that_names_nobody_is_a_mistake_of_the_configuration(tmp_path: Path, content: str) -> None:
    metadata = tmp_path / "idp.xml"
    metadata.write_text(content)
    settings = SamlUpstreamSettings(name="home", label="Home", metadata=metadata)
    with pytest.raises(ConfigurationError):
        SamlCounterpart(settings, "https://here.example.org/oidc/upstream/home", lambda: "x")
