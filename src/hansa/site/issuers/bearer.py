"""`Authorization: Bearer` (RFC 6750) with a token of a foreign issuer, at every face of the site."""

import hashlib
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hansa.base.errors import TooManyRequests, Unauthenticated
from hansa.base.rates import Rate, RateLimit
from hansa.site.directory import Directory
from hansa.site.identity.basic import check_private
from hansa.site.identity.cache import Cache
from hansa.site.identity.model import Federation, Membership, Principal, Reason, Scope
from hansa.site.issuers.claims import memberships_of, name_of
from hansa.site.issuers.mapped import mapped_principal
from hansa.site.issuers.model import Proved, Provider, ban_name, oidc_user
from hansa.site.issuers.proving import is_jwt, prove
from hansa.standards.jwt import TOKEN_MAX, unverified_issuer
from hansa.standards.mapping import Rules

REMEMBERED = timedelta(minutes=1)
"""A token is not proved again for so long, unless its issuer's keys change. A revoked one may be taken so much longer."""
ATTEMPTS = Rate(burst=200, per_minute=300)
"""New tokens from one address. Each may cost a question to an issuer."""
PROTOCOL = "openid"
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class Bearer:
    """Tokens of the `providers`. The `directory` knows the groups that their rules name."""

    challenge = 'Bearer realm="Hansa"'

    def __init__(self, providers: Sequence[Provider], directory: Directory, clock: Callable[[], datetime]) -> None:
        self.providers = tuple(providers)
        self._directory = directory
        self._clock = clock
        self._by_issuer = {provider.issuer.url: provider for provider in providers}
        self._proved: Cache[Proved] = Cache(4096)
        self._attempts = RateLimit(ATTEMPTS, time.monotonic)

    async def __call__(self, scope: Scope) -> Principal | None:
        token = token_of(scope)
        if token is None:
            return None
        proved = await self.prove(scope, token)
        return await self.principal(proved, proved.provider.rules and proved.provider.rules())

    def provider(self, name: str) -> Provider | None:
        return next((each for each in self.providers if each.name == name), None)

    def of_issuer(self, url: str) -> Provider | None:
        return self._by_issuer.get(url)

    async def prove(
        self, scope: Scope, token: str, among: Sequence[Provider] | None = None, *, thorough: bool = False
    ) -> Proved:
        """What the token proves. `among`: of which providers it may be. `thorough`: as of `proving.prove`, for rules.

        Raises Unauthenticated, TooManyRequests, BackendDown.
        """
        check_private(scope)
        provider = self._chosen(token, self.providers if among is None else among)
        keys = await provider.issuer.keys() if is_jwt(token) else provider
        thorough = thorough or provider.rules is not None
        digest, now = hashlib.sha256(f"{provider.name} {thorough} {token}".encode()).digest(), self._clock()
        if known := self._proved.get(digest, now, keys):
            return known
        client = scope.get("client")
        if not self._attempts.allows(client[0] if client else None):
            raise TooManyRequests("Too many new tokens at once; wait a minute.", reason=Reason.ATTEMPTS.value)
        proved = await prove(provider, token, now, thorough=thorough)
        keys = await provider.issuer.keys() if is_jwt(token) else provider
        self._proved.put(digest, proved, min(now + REMEMBERED, proved.not_after), keys)
        return proved

    async def principal(
        self, proved: Proved, rules: Rules | None, *, name: str | None = None, protocol: str = PROTOCOL
    ) -> Principal:
        """Who that is here: by `rules` if there are some, and a member of VOs as far as the issuer is believed.

        `name`, `protocol`: by which identity provider and protocol of Keystone they came, if not by the issuer's own.
        """
        provider, url = proved.provider, proved.provider.issuer.url
        principal = Principal(
            user=oidc_user(url, proved.subject),
            display=name_of(proved.claims, provider.trust, proved.subject),
            names=frozenset({ban_name(url, proved.subject)}),
            not_after=proved.not_after,
            federation=Federation(name or provider.name, protocol, is_mapped=rules is not None),
        )
        if provider.trust.believes_memberships:
            principal = replace(principal, memberships=self._memberships(proved, is_mapped=rules is not None))
        if rules is None:
            return principal
        return await mapped_principal(principal, proved.claims, rules, self._directory)

    def _memberships(self, proved: Proved, *, is_mapped: bool) -> tuple[Membership, ...]:
        try:
            return memberships_of(proved.claims, proved.provider.trust)
        except Unauthenticated:
            if is_mapped:
                return ()  # the rules have the say
            raise

    def _chosen(self, token: str, among: Sequence[Provider]) -> Provider:
        """A JWT names its issuer; of other tokens nobody is asked but the only one who may be."""
        if is_jwt(token):
            provider = self._by_issuer.get(unverified_issuer(token) or "")
            if provider is None or provider not in among:
                message = "The token is of an issuer that this site does not know, or not here."
                raise Unauthenticated(message, reason=Reason.UNKNOWN_ISSUER.value)
            return provider
        able = [provider for provider in among if provider.introspects]
        if len(able) == 1:
            return able[0]
        raise Unauthenticated(
            "The token does not say whose it is; sign on at Keystone with it.", reason=Reason.OPAQUE.value
        )


def token_of(scope: Scope) -> str | None:
    """The token in the Authorization header; None if there is none. Raises Unauthenticated for what cannot be one."""
    given = [value for name, value in scope["headers"] if name == b"authorization" and value[:7].lower() == b"bearer "]
    if not given:
        return None
    token = str(given[0][7:].strip().decode("latin-1"))
    if len(given) > 1 or len(token) > TOKEN_MAX or not _TOKEN.fullmatch(token):
        raise Unauthenticated("The Authorization header holds no bearer token.", reason=Reason.MALFORMED.value)
    return token
