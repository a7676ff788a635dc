"""An OpenID Provider upstream: authorization code with PKCE; `iss` and `sub` of the ID token say who it is."""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from starlette.routing import BaseRoute

from hansa.client.oidc import Attempt, Issuer, begin, finish
from hansa.federation.membership.model import Subject
from hansa.federation.provider.upstream.model import Departure


class OidcCounterpart:
    """`callback`: where it sends the browser back to."""

    def __init__(self, issuer: Issuer, callback: str, scopes: tuple[str, ...], random: Callable[[], str]) -> None:
        self._issuer = issuer
        self._callback = callback
        self._scopes = scopes
        self._random = random

    @property
    def origin(self) -> str:
        parts = urlsplit(self._issuer.url)
        return f"{parts.scheme}://{parts.netloc}"

    def routes(self, path: str) -> Sequence[BaseRoute]:
        return ()

    async def depart(self) -> Departure:
        url, made = await begin(self._issuer, self._callback, self._scopes, self._random)
        return Departure(url, made.state, {"state": made.state, "nonce": made.nonce, "verifier": made.verifier})

    async def arrive(self, answer: Mapping[str, str], remembered: Mapping[str, str]) -> Subject:
        attempt = Attempt(remembered["state"], remembered["nonce"], remembered["verifier"], self._callback)
        login = await finish(self._issuer, attempt, answer)
        return Subject(self._issuer.url, str(login.claims["sub"]))
