"""One issuer: its metadata and keys, kept fresh; its tokens verified, introspected, and completed by userinfo."""

import asyncio
import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote_plus

from hansa.base.errors import BackendDown
from hansa.base.i18n import _
from hansa.client.errors import BadReply
from hansa.client.http import Reply
from hansa.client.oidc.fresh import Ages, Fresh
from hansa.client.oidc.metadata import WELL_KNOWN, Metadata, check_issuer_url
from hansa.client.oidc.web import Web, json_of
from hansa.standards.jwt import JwtCode, JwtError, KeySet, verify

T = TypeVar("T")
AT_ONCE = 8
"""Requests to one issuer that may run together."""
WAITING = 64
"""Requests that may wait for that; more are turned away."""
METADATA_AGES = Ages(young=3600)
KEY_AGES = Ages()
TYPES = ("at+jwt", "JWT", "")
"""Types that issuers give to access and ID tokens: RFC 9068, and what was usual before it. No others, such as logout tokens."""


@dataclass(frozen=True, slots=True)
class Client:
    """Ourselves, as registered with the issuer."""

    id: str
    secret: str | None = field(default=None, repr=False)


class Issuer:
    """`url` is the issuer's name and where its metadata is. Everything it says is fetched through `web`."""

    def __init__(
        self,
        url: str,
        web: Web,
        clock: Callable[[], datetime],
        *,
        client: Client | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = check_issuer_url(url)
        self.client = client
        self._web = web
        self._clock = clock
        self._metadata = Fresh(f"The metadata of {url}", self._load_metadata, monotonic, METADATA_AGES)
        self._keys = Fresh(f"The keys of {url}", self._load_keys, monotonic, KEY_AGES)
        self._asking = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._known: Metadata | None = None

    async def metadata(self) -> Metadata:
        """Raises BackendDown."""
        self._known = await self._metadata.get()
        return self._known

    async def keys(self, *, newer: bool = False) -> KeySet:
        """Raises BackendDown. The same object until they are fetched again."""
        await self.metadata()
        return await self._keys.get(newer=newer)

    async def verify(self, token: str, audience: str | None = None) -> Mapping[str, Any]:
        """The claims of a JWT; without `audience`, `aud` is for the caller to judge. Raises JwtError, BackendDown.

        A key that is not known may be new: then the keys are fetched again, but not more than twice a minute.
        """
        keys = await self.keys()
        try:
            return self._verified(token, audience, keys)
        except JwtError as error:
            newer = await self.keys(newer=True) if error.code == JwtCode.UNKNOWN_KEY else keys
            if newer is keys:
                raise
        return self._verified(token, audience, newer)

    async def introspect(self, token: str) -> Mapping[str, Any] | None:
        """What the issuer says of the token now (RFC 7662); None if it is not good, or not its own. Raises BackendDown.

        Whatever is not plainly an answer is an error: a token is never taken because its issuer could not be asked.
        """
        endpoint = (await self.metadata()).introspection_endpoint
        if endpoint is None or self.client is None:
            raise BadReply(_("{issuer} cannot be asked about tokens.").format(issuer=self.url))
        form = {"token": token, "token_type_hint": "access_token"}
        claims = await self._ask(lambda: json_of(self.post(endpoint, form), endpoint))
        if claims.get("active") is not True or claims.get("iss", self.url) != self.url:
            return None
        return claims

    async def userinfo(self, token: str, subject: str) -> Mapping[str, Any] | None:
        """Claims about `subject`, or None if the issuer refuses the token (OpenID Connect Core §5.3). Raises BackendDown."""
        endpoint = (await self.metadata()).userinfo_endpoint
        if endpoint is None:
            return {}
        reply = await self._ask(lambda: self._web.get(endpoint, {"Authorization": f"Bearer {token}"}))
        if reply.status in (401, 403):
            return None
        claims = json_of(reply, endpoint)
        return claims if claims.get("sub") == subject else None  # §5.3.2: another's would be a substitution

    def post(self, endpoint: str, form: Mapping[str, str]) -> Reply:
        """As our client, if we are one there: with HTTP Basic, or in the form where the issuer does not take that. Blocking."""
        if self.client is None:
            return self._web.post(endpoint, form)
        if self.client.secret is None:
            return self._web.post(endpoint, {**form, "client_id": self.client.id})
        if self._known is not None and not self._known.takes_basic:
            return self._web.post(endpoint, {**form, "client_id": self.client.id, "client_secret": self.client.secret})
        pair = f"{quote_plus(self.client.id)}:{quote_plus(self.client.secret)}"
        return self._web.post(endpoint, form, {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"})

    async def _ask(self, request: Callable[[], T]) -> T:
        if self._waiting >= WAITING:
            raise BackendDown(f"Too many tokens of {self.url} at once; try again in a moment.", retry_after=5)
        self._waiting += 1
        try:
            async with self._asking:
                return await asyncio.to_thread(request)
        finally:
            self._waiting -= 1

    def _verified(self, token: str, audience: str | None, keys: KeySet) -> Mapping[str, Any]:
        return verify(token, keys, now=self._clock(), issuer=self.url, audience=audience, typ=TYPES)

    def _load_metadata(self) -> Metadata:
        address = self.url.rstrip("/") + WELL_KNOWN
        return Metadata.read(json_of(self._web.get(address), address), self.url)

    def _load_keys(self) -> KeySet:
        assert self._known is not None
        reply = self._web.get(self._known.jwks_uri)
        if reply.status != 200:
            raise BadReply(
                _("{what} answers with status {status}.").format(what=self._known.jwks_uri, status=reply.status)
            )
        return KeySet.parse(reply.body)
