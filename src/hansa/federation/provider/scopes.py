"""What clients ask for: scopes (RFC 6749 §3.3), those of OpenID Connect, EGI Check-in and the WLCG profile among them."""

import re
from collections.abc import Iterable, Sequence

from hansa.federation.provider.errors import InvalidScope
from hansa.standards.entitlements import EntitlementError, fqans_of_wlcg

OPENID = "openid"
OFFLINE = "offline_access"
PROFILE = "profile"
EMAIL = "email"
ENTITLEMENTS = ("eduperson_entitlement", "entitlements")
"""Old and new name of one claim (AARC-G069 §3)."""
VOPERSON = "voperson_id"
ATTRIBUTES = "vo_attributes"
WLCG = "wlcg"
WLCG_GROUPS = "wlcg.groups"

KNOWN = (OPENID, OFFLINE, PROFILE, EMAIL, *ENTITLEMENTS, VOPERSON, ATTRIBUTES, WLCG, WLCG_GROUPS)
LENGTH_MAX = 4000
COUNT_MAX = 100
_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")


def parse(text: str) -> tuple[str, ...]:
    """In the order asked, nothing twice. Raises InvalidScope."""
    found = tuple(dict.fromkeys(text.split(" "))) if text else ()
    if len(text) > LENGTH_MAX or len(found) > COUNT_MAX or not all(map(_TOKEN.fullmatch, found)):
        raise InvalidScope("The scope is not a list of scopes with single spaces between.")
    return found


def allowed(asked: Iterable[str], scopes: Iterable[str]) -> tuple[str, ...]:
    """Those that a client may have; the rest is passed over (OpenID Connect Core §3.1.2.1), and the answer says what was given.

    Raises InvalidScope when nothing is left, or for a group path that is none.
    """
    permitted = frozenset(scopes)
    left = tuple(scope for scope in asked if (WLCG_GROUPS if group_of(scope) else scope) in permitted)
    if not left:
        raise InvalidScope("None of the scopes asked for is open to this client.")
    try:
        fqans_of_wlcg([group for scope in left if (group := group_of(scope))])
    except EntitlementError as error:
        raise InvalidScope(f"{error.reason}.") from error
    return left


def group_of(scope: str) -> str | None:
    """The path in `wlcg.groups:/vo/group`."""
    name, colon, path = scope.partition(":")
    return path if name == WLCG_GROUPS and colon else None


def narrowed(asked: Sequence[str], granted: Sequence[str]) -> tuple[str, ...]:
    """What a refresh asks for of what was granted (RFC 6749 §6). Raises InvalidScope for more."""
    if not set(asked) <= set(granted):
        raise InvalidScope("A refresh cannot widen the scope.")
    return tuple(asked) or tuple(granted)
