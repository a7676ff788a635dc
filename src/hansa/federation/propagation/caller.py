"""Which site is asking: by its host certificate from the TLS handshake, or by a short token signed with its registered key.

A token is a JWT of typ `hansa-site+jwt`: `iss` the site's name, `aud` the address of the feed, `exp` at most five minutes ahead.
"""

from datetime import timedelta

from starlette.requests import Request

from hansa.base.errors import Unauthenticated
from hansa.federation.commons import Commons
from hansa.federation.membership.model import Credential
from hansa.federation.propagation.errors import NoSuchSite, UnknownSite
from hansa.federation.propagation.model import Site
from hansa.federation.propagation.register import Register, site_keys
from hansa.standards.errors import StandardError
from hansa.standards.jwt import unverified_issuer, verify
from hansa.standards.memberfeed import SITE_TOKEN_TYPE
from hansa.standards.x509 import load_chain, validate_chain

LONGEST = timedelta(minutes=5)


class SiteCaller:
    """`audience`: what tokens must be made for."""

    def __init__(self, register: Register, commons: Commons, audience: str) -> None:
        self._register = register
        self._commons = commons
        self._audience = audience

    async def __call__(self, request: Request) -> Site:
        """Raises UnknownSite, and writes a line of the audit log."""
        claimed = request.query_params.get("site", "")
        try:
            return await self._site(request, claimed)
        except Unauthenticated as error:
            client = request.client.host if request.client else ""
            reason = error.details.get("reason", "")
            self._commons.audit("feed.refused", site=claimed[:100], code=error.code, reason=reason, client=client)
            raise

    async def _site(self, request: Request, claimed: str) -> Site:
        scheme, _blank, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return await self._by_token(token.strip())
        chain = request.scope["extensions"].get("tls", {}).get("client_cert_chain", ())
        if not chain:
            raise UnknownSite("Show the site's host certificate, or a token signed with its key.")
        return await self._by_certificate(chain, claimed)

    async def _by_certificate(self, chain: list[str], claimed: str) -> Site:
        commons = self._commons
        try:
            certificates = load_chain(chain, commons.chain_policy)
            identity = validate_chain(certificates, commons.trust(), now=commons.clock(), policy=commons.chain_policy)
        except StandardError as error:
            raise UnknownSite(f"The certificate is not accepted: {error.reason}.", reason=error.code) from error
        if identity.depth:
            raise UnknownSite("A site shows its own certificate, not a proxy.")
        found = await self._register.sites_of(Credential(identity.subject, identity.issuer))
        for site in found:
            if site.name == claimed or (not claimed and len(found) == 1):
                return site
        raise UnknownSite(f"The certificate {identity.subject} belongs to no site of that name.")

    async def _by_token(self, token: str) -> Site:
        name = unverified_issuer(token)
        site = await self._registered(name)
        if site is None or site.jwk is None:
            raise UnknownSite("The token is from no registered site.")
        now = self._commons.clock()
        try:
            claims = verify(
                token, site_keys(site.jwk), now=now, issuer=site.name, audience=self._audience, typ=SITE_TOKEN_TYPE
            )
        except StandardError as error:
            raise UnknownSite(f"The token is not accepted: {error.reason}.", reason=error.code) from error
        if claims["exp"] > (now + LONGEST + timedelta(minutes=1)).timestamp():
            raise UnknownSite("The token is good for too long; five minutes are enough.")
        return site

    async def _registered(self, name: str | None) -> Site | None:
        if name is None:
            return None
        try:
            return await self._register.site(name)
        except NoSuchSite:
            return None
