"""The OpenID Provider on a throw-away registry: Alice is a member, and a relying party knows how to ask."""

import atexit
import base64
import hashlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.support.browser import Answer, Browser
from tests.support.federation import URL, commons
from tests.support.pki import NOW, Grid
from tests.support.voms import holder

from hansa.base.passwords import hash_password
from hansa.base.serving.gate import App
from hansa.federation import web
from hansa.federation.commons import Commons
from hansa.federation.membership import persons
from hansa.federation.membership.act import Act
from hansa.federation.membership.model import Details, Person
from hansa.federation.provider.clients import Wanted
from hansa.federation.provider.model import Client, GrantType
from hansa.federation.provider.service import Provider, assembled
from hansa.federation.provider.settings import ProviderSettings
from hansa.federation.provider.signing import ensure_keys
from hansa.standards.jwt import KeySet, parse_object, verify_bytes

PASSWORD = "correct horse"
REDIRECT = "https://portal.example.org/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
SETTINGS: dict[str, Any] = {"namespace": "urn:geant:example.org", "authority": "aai.example.org"}
ALL = "openid profile email eduperson_entitlement entitlements voperson_id wlcg.groups offline_access"


@dataclass
class Federation:
    """`grid.now` is the clock. `client` is confidential, `secret` its secret; `alice` has a login and a certificate."""

    grid: Grid
    commons: Commons
    provider: Provider
    app: App
    client: Client
    secret: str
    alice: Person
    member: int

    def restarted(self, directory: Path) -> "Federation":
        """Another process on the same database and keys."""
        provider = assembled(self.commons, ProviderSettings(keys=directory / "keys", **SETTINGS))
        return replace(self, provider=provider, app=web.app(provider.routes))

    def browser(self, **given: Any) -> Browser:
        return Browser(self.app, URL, **given)

    def authorization(self, client: Client | None = None, **changes: str | None) -> str:
        """An authorization request; a change to None leaves a parameter out."""
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": (client or self.client).id,
            "redirect_uri": REDIRECT,
            "scope": ALL,
            "state": "st-1",
            "nonce": "no-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        return "/oidc/authorize?" + urlencode({name: value for name, value in asked.items() if value is not None})

    async def logged_in(self, **given: Any) -> Browser:
        """By certificate: passwords take their time."""
        browser = self.browser(user=self.grid.user(), **given)
        answer = await browser.submit(await browser.get("/oidc/login"), "/oidc/login/certificate")
        assert answer.status == 303, answer.text
        return browser

    async def code(self, browser: Browser, client: Client | None = None, **changes: str | None) -> str:
        answer = await self.allowed(browser, client, **changes)
        assert "code" in answer.query, answer.location or answer.text
        return answer.query["code"]

    async def allowed(self, browser: Browser, client: Client | None = None, **changes: str | None) -> Answer:
        """The person says yes where they are asked."""
        answer = await browser.get(self.authorization(client, **changes))
        if answer.status == 200:
            answer = await browser.submit(answer, "/oidc/consent", decision="allow")
        return answer

    async def token(self, client: Client | None = None, secret: str | None = None, **form: str | None) -> Answer:
        """A token request; the confidential client authenticates in the header."""
        fields = {name: value for name, value in form.items() if value is not None}
        if client is not None and not client.confidential:
            return await self.browser().post("/oidc/token", {"client_id": client.id, **fields})
        return await self.called("/oidc/token", client, secret, **fields)

    async def called(self, path: str, client: Client | None = None, secret: str | None = None, **form: str) -> Answer:
        header = basic((client or self.client).id, secret or self.secret)
        return await self.browser().post(path, form, authorization=header)

    async def redeem(self, code: str, /, client: Client | None = None, **changes: str | None) -> Answer:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
        return await self.token(client, **{**form, **changes})

    async def tokens(self, **changes: str | None) -> dict[str, Any]:
        """Of Alice, for the confidential client."""
        answer = await self.redeem(await self.code(await self.logged_in(), **changes))
        assert answer.status == 200, answer.json
        return dict(answer.json)

    async def keys(self) -> KeySet:
        return KeySet.parse((await self.browser().get("/oidc/jwks")).body)

    async def read(self, token: str) -> dict[str, Any]:
        """Claims of a token, whose signature is checked."""
        return parse_object(verify_bytes(token, await self.keys(), max_size=100_000))


def basic(client: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()


@cache
def _keys() -> Path:
    """Made once in a test run: RSA keys take their time."""
    directory = Path(tempfile.mkdtemp(prefix="hansa-keys-"))
    atexit.register(shutil.rmtree, directory)
    ensure_keys(directory)
    return directory


@cache
def _hash() -> str:
    return hash_password(PASSWORD.encode())


async def set_password(found: Commons, person: Person) -> None:
    """As the registry does it, but the hash is made once in a test run."""
    await found.database.write(lambda connection: persons.set_password(Act(connection, NOW), person.uid, _hash()))


def made_keys(directory: Path) -> Path:
    """Signing keys in `directory/keys`."""
    return Path(shutil.copytree(_keys(), directory / "keys"))


@asynccontextmanager
async def federation(database_url: str, directory: Path, **settings: Any) -> AsyncIterator[Federation]:
    grid = Grid()
    made_keys(directory)
    async with commons(database_url, grid) as found:
        provider = assembled(found, ProviderSettings(keys=directory / "keys", **SETTINGS, **settings))
        client, secret = await provider.clients.register(
            Wanted("Portal", id="portal", redirect_uris=(REDIRECT,), logout_uris=("https://portal.example.org/out",))
        )
        assert secret
        alice = await found.registry.add_person(
            Details("Alice Example", "Alice", "Example", "alice@example.org", True, "alice"),
            [holder(grid.user())],
        )
        await set_password(found, alice)
        member = await found.registry.admit(grid.vo, alice.uid)
        app = web.app(provider.routes)
        yield Federation(grid, found, provider, app, client, secret, alice, member.id)


NATIVE = Wanted(
    "Command line",
    id="cli",
    confidential=False,
    redirect_uris=("http://127.0.0.1/callback",),
    grants=frozenset({GrantType.CODE, GrantType.REFRESH, GrantType.DEVICE}),
    audiences=(URL,),
)
"""A public client on people's own machines."""
