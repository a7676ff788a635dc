"""What a token says, sealed: encrypted and authenticated (Fernet), opaque to everybody but the site.

A token holds its bearer's proved identity and memberships, never the site's decision on them: ban list, policy and users file are
asked again at every use.
"""

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from cryptography.fernet import InvalidToken, MultiFernet

from hansa.base.errors import Unauthenticated
from hansa.site.identity.model import Membership, Principal, Reason

TOKEN_MAX = 8192
"""Characters; ours have 250 to 400. A longer one is refused unread."""
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Token:
    """`principal` has no grant; its `not_after` is when the token expires and its `project` what the token is scoped to.

    `methods`: how its bearer signed on, as Keystone names it. `audit_ids`: the token's own, and that of the first one it goes
    back to. `stamp`: of a local user's password, so that a new password ends the tokens of the old one.
    """

    principal: Principal
    methods: tuple[str, ...]
    issued: datetime
    expires: datetime
    audit_ids: tuple[str, ...]
    stamp: str = ""


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
        token.methods,
        int(token.issued.timestamp()),
        int(token.expires.timestamp()),
        token.audit_ids,
        token.stamp,
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


def _token(members: list[Any]) -> Token:
    version, user, display, names, memberships, limited, project, methods, issued, expires, audit_ids, stamp = members
    if version != _VERSION:
        raise _no_token()
    not_after = datetime.fromtimestamp(expires, UTC)
    principal = Principal(
        user,
        display,
        frozenset(names),
        tuple(Membership(vo, tuple(fqans)) for vo, fqans in memberships),
        limited=limited,
        not_after=not_after,
        project=project,
    )
    return Token(principal, tuple(methods), datetime.fromtimestamp(issued, UTC), not_after, tuple(audit_ids), stamp)


def _no_token() -> Unauthenticated:
    return Unauthenticated("This is no token of this site.", reason=Reason.TOKEN.value)
