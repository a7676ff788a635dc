"""A site with Keystone at a port of its own, over real TLS, with a local user; and a client that speaks JSON to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.pki import Grid, write_credential
from tests.support.site import RunningSite, free_port, running_site

from hansa.base.database import Database
from hansa.base.migrations import upgrade
from hansa.base.passwords import hash_password
from hansa.client.http import Http, Reply, tls_context
from hansa.site.directory import Directory
from hansa.site.directory.bootstrap import Bootstrap, bootstrap
from hansa.site.identity.passwords import user_line
from hansa.standards.x509 import Credential

POLICY = {"fedcloud.egi.eu": {"tenant": "fedcloud"}, "/fedcloud.egi.eu/Role=VO-Admin": {"tenant": "management"}}
USER, PASSWORD, USER_PROJECT = "alice", "correct horse", "staff"
VOMS_SIGN_ON = "/v3/OS-FEDERATION/identity_providers/egi.eu/protocols/mapped/auth"


@cache
def users_file() -> str:
    hashed = hash_password(PASSWORD.encode())
    return f"{user_line(USER, hashed, USER_PROJECT)}\n{user_line('root', hashed, USER_PROJECT, ('admin',))}\n"


@dataclass
class Answer:
    status: int
    token: str | None
    body: Any
    headers: Mapping[str, str]


@dataclass
class KeystoneSite:
    site: RunningSite
    url: str

    async def request(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        credential: Credential | None = None,
        token: str | None = None,
        subject: str | None = None,
        body: bytes | None = None,
        bearer: str | None = None,
    ) -> Answer:
        """One request; `document` goes as JSON, `body` as it is."""
        directory = self.site.directory
        proxy = write_credential(directory / "keystone-proxy.pem", credential) if credential else None
        tls = tls_context(certificates=directory / "certificates", proxy=proxy)
        headers = {"Accept": "text/plain,text/occi;q=0.2", "Content-Type": "application/json"}
        headers |= {"X-Auth-Token": token} if token else {}
        headers |= {"X-Subject-Token": subject} if subject else {}
        headers |= {"Authorization": f"Bearer {bearer}"} if bearer else {}
        sent = json.dumps(document).encode() if document is not None else body

        def ask() -> Answer:
            with Http(self.url, tls=tls) as http:
                reply = http.request(method, path, headers=headers, body=sent)
            found = {name.lower(): value for name, value in reply.headers}
            return Answer(
                reply.status,
                found.get("x-subject-token"),
                json.loads(reply.body) if reply.body else None,
                found,
            )

        return await asyncio.to_thread(ask)

    async def fetch(self, target: str, headers: Mapping[str, str] | None = None) -> Reply:
        """As a browser: the answer as it comes, redirects not followed."""

        def ask() -> Reply:
            with Http(self.url, tls=tls_context(certificates=self.site.directory / "certificates")) as http:
                return http.request("GET", target, headers=headers)

        return await asyncio.to_thread(ask)

    def anchors(self) -> Path:
        """The authority of the site's certificate, in the one file that Python's clients want."""
        path = self.site.directory / "anchors.pem"
        path.write_bytes(next((self.site.directory / "certificates").glob("*.pem")).read_bytes())
        return path

    async def occi(self, token: str, path: str = "/-/") -> int:
        """How the OCCI face answers to the token."""
        return (await self.site.request("GET", path, headers={"X-Auth-Token": token})).status


@asynccontextmanager
async def running_keystone(
    directory: Path,
    grid: Grid,
    passwords: Mapping[str, Any] | None = None,
    issuers: Sequence[Mapping[str, Any]] = (),
    *,
    bootstrapped: bool = False,
    port: int | None = None,
    **keystone: Any,
) -> AsyncIterator[KeystoneSite]:
    """The grid's clock must be the real one. `passwords` and `issuers` are tables of `identity`.

    `bootstrapped`: with the user `admin` (`PASSWORD`) in the project `admin`, as `hansa site bootstrap` makes them.
    """
    port = port or free_port()
    url = f"https://localhost:{port}"
    (directory / "users").write_text(users_file())
    (directory / "bans").write_text("")
    (directory / "policy.json").write_text(json.dumps(POLICY))
    tls = {"certificate": directory / "hostcert.pem", "key": directory / "hostkey.pem"}
    identity = {
        "trust_dir": directory / "certificates",
        "vomsdir": directory / "vomsdir",
        "policy": directory / "policy.json",
        "users": directory / "users",
        "bans": directory / "bans",
        "tokens": {"keys": directory / "token-keys"},
        "passwords": passwords or {},
        "issuers": issuers,
    }
    listeners = [{"name": "keystone", "port": port, "tls": tls}]
    tables = {"identity": identity, "keystone": {"public_url": url, "listeners": listeners} | keystone}
    if bootstrapped:
        await bootstrap_site(f"sqlite:///{directory / 'site.db'}")
    async with running_site(directory, grid, **tables) as site:
        yield KeystoneSite(site, url)


async def bootstrap_site(database_url: str) -> None:
    database = Database(database_url)
    try:
        await upgrade(database, "site")
        await bootstrap(Directory(database, lambda: datetime.now(UTC)), Bootstrap(PASSWORD))
    finally:
        database.close()


def password_v3(password: str = PASSWORD, project: str | None = USER_PROJECT, *, user: str = USER) -> dict[str, Any]:
    default = {"id": "default"}
    identity = {
        "methods": ["password"],
        "password": {"user": {"name": user, "domain": default, "password": password}},
    }
    scope = {"scope": {"project": {"name": project, "domain": {"name": "Default"}}}} if project else {}
    return {"auth": {"identity": identity, **scope}}


def token_v3(token: str, project_id: str) -> dict[str, Any]:
    identity = {"methods": ["token"], "token": {"id": token}}
    return {"auth": {"identity": identity, "scope": {"project": {"id": project_id}}}}
