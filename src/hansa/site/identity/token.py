"""What a token says, sealed: encrypted and authenticated (Fernet), opaque to everybody but the site.

A token holds its bearer's proved identity and memberships, never the site's decision on them: ban list, policy and users file are
asked again at every use.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from cryptography.fernet import InvalidToken, MultiFernet

from hansa.base.errors import Unauthenticated
from hansa.site.identity.model import Federation, Membership, Principal, Reason

TOKEN_MAX = 8192
"""Characters; ours have 250 to 400. A longer one is refused unread."""
DELEGATION = "delegation"
"""Its key in `Token.extra`."""
_VERSION = 2


@dataclass(frozen=True, slots=True)
class Token:
    """`principal` has no grant; its `not_after` is when the token expires and its `project` what the token is scoped to.

    `methods`: how its bearer signed on, as Keystone names it. `audit_ids`: the token's own, and that of the first one it goes
    back to. `domain`: id of the domain that it is scoped to instead of a project; `is_system`: it is scoped to the system.
    `extra`: what other rooms need to know of it again (JSON). `delegation`: the kind and the id of what let its bearer act
    for a user, if it was not the user.
    """

    principal: Principal
    methods: tuple[str, ...]
    issued: datetime
    expires: datetime
    audit_ids: tuple[str, ...]
    domain: str | None = None
    is_system: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def delegation(self) -> tuple[str, str] | None:
        found = self.extra.get(DELEGATION)
        return (found[0], found[1]) if found else None


def seal(token: Token, keys: MultiFernet) -> str:
    principal = token.principal
    members = [
        _VERSION,
        principal.user,
        principal.display,
        sorted(principal.names),
        [[membership.vo, membership.fqans] for membership in principal.memberships],
        principal.limited,
        principal.project,
        _federation(principal),
        token.methods,
        int(token.issued.timestamp()),
        int(token.expires.timestamp()),
        token.audit_ids,
        principal.stamp,
        principal.groups,
        token.domain,
        token.is_system,
        token.extra,
    ]
    packed = zlib.compress(orjson.dumps(members), 9)
    return keys.encrypt_at_time(packed, int(token.issued.timestamp())).decode().rstrip("=")


def unseal(text: str, keys: MultiFernet) -> Token:
    """Raises Unauthenticated for what was not sealed with one of our keys. Whether it is still good is for `Tokens` to say."""
    if len(text) > TOKEN_MAX or not text.isascii():
        raise _no_token()
    try:
        packed = keys.decrypt(text + "=" * (-len(text) % 4))
    except InvalidToken:
        raise _no_token() from None
    return _token(orjson.loads(zlib.decompress(packed)))  # from here on it is what `seal` made


def _federation(principal: Principal) -> list[Any] | None:
    came_by = principal.federation
    return [came_by.provider, came_by.protocol, came_by.is_mapped] if came_by else None


def _token(members: list[Any]) -> Token:
    if members[0] != _VERSION:
        raise _no_token()
    _, user, display, names, memberships, limited, project, came_by, methods, issued, expires, audit_ids, *rest = (
        members
    )
    stamp, groups, domain, is_system, extra = rest
    not_after = datetime.fromtimestamp(expires, UTC)
    principal = Principal(
        user,
        display,
        frozenset(names),
        tuple(Membership(vo, tuple(fqans)) for vo, fqans in memberships),
        limited=limited,
        not_after=not_after,
        project=project,
        federation=Federation(*came_by) if came_by else None,
        groups=tuple(groups),
        stamp=stamp,
    )
    began = datetime.fromtimestamp(issued, UTC)
    return Token(principal, tuple(methods), began, not_after, tuple(audit_ids), domain, is_system, extra)


def _no_token() -> Unauthenticated:
    return Unauthenticated("This is no token of this site.", reason=Reason.TOKEN.value)
