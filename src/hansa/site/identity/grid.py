"""Grid credentials: the client's certificate chain from the TLS handshake, and the VOMS attributes in its proxies."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from cryptography import x509

from hansa.base.errors import Unauthenticated
from hansa.site.identity.cache import Cache
from hansa.site.identity.model import Membership, Principal, Scope
from hansa.standards.errors import StandardError
from hansa.standards.voms import VomsDir, verify_acs
from hansa.standards.x509 import ChainPolicy, TrustStore, VerifiedIdentity, load_chain, validate_chain

REMEMBERED = timedelta(minutes=1)
"""A proved chain is not proved again for so long, unless anchors, CRLs or vomsdir change. CRLs go stale within it at worst."""


class GridCertificate:
    """`trust` and `vomsdir` give the present snapshots; `hostnames` are this site's, for attribute certificates with targets."""

    challenge = None

    def __init__(
        self,
        trust: Callable[[], TrustStore],
        vomsdir: Callable[[], VomsDir],
        clock: Callable[[], datetime],
        *,
        policy: ChainPolicy,
        hostnames: Sequence[str] = (),
    ) -> None:
        self._trust = trust
        self._vomsdir = vomsdir
        self._clock = clock
        self._policy = policy
        self._hostnames = tuple(hostnames)
        self._proved: Cache[Principal] = Cache(4096)

    async def __call__(self, scope: Scope) -> Principal | None:
        chain: list[str] = scope.get("extensions", {}).get("tls", {}).get("client_cert_chain") or []
        if not chain:
            return None
        trust, vomsdir, now = self._trust(), self._vomsdir(), self._clock()
        key = hashlib.sha256("\0".join(chain).encode()).digest()
        if known := self._proved.get(key, now, trust, vomsdir):
            return known
        try:
            principal = self._prove(load_chain(chain, self._policy), trust, vomsdir, now)
        except StandardError as error:
            raise Unauthenticated(_sentence(error), reason=error.code) from error
        until = min(now + REMEMBERED, principal.not_after or now)
        self._proved.put(key, principal, until, trust, vomsdir)
        return principal

    def _prove(
        self, chain: Sequence[x509.Certificate], trust: TrustStore, vomsdir: VomsDir, now: datetime
    ) -> Principal:
        identity = validate_chain(chain, trust, now=now, policy=self._policy)
        attributes = verify_acs(identity, trust, vomsdir, now=now, hostnames=self._hostnames)
        return Principal(
            user=user_of(identity),
            display=identity.subject.slash(),
            names=frozenset({identity.subject.rfc4514()}),
            memberships=tuple(Membership(each.vo, tuple(str(fqan) for fqan in each.fqans)) for each in attributes),
            limited=identity.limited,
            not_after=min([identity.not_after, *(each.not_after for each in attributes)]),
        )


def user_of(identity: VerifiedIdentity) -> str:
    """Issuer and subject in one unambiguous text (RFC 4514 escapes `<` and `>`), and whom a robot acts for."""
    user = f"X509:<I>{identity.issuer.rfc4514()}<S>{identity.subject.rfc4514()}"
    return user if identity.robot_user is None else f"{user}<R>{identity.robot_user}"


def _sentence(error: StandardError) -> str:
    return error.reason if error.reason.endswith(".") else error.reason + "."
