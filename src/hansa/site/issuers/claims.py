"""What claims say: for whom the token is, which VOs its bearer is in, and what mapping rules are applied to. Pure."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hansa.base.errors import Unauthenticated
from hansa.site.identity.model import Membership, Reason
from hansa.site.issuers.model import Trust
from hansa.standards.entitlements import EntitlementError, fqans_of_wlcg, sort_entitlements
from hansa.standards.voms import Fqan

MAX_SUBJECT = 255
"""Characters (OpenID Connect Core §2)."""
SHORT = timedelta(minutes=5)
"""How long a token is good for whose issuer does not say."""
WLCG_GROUPS = "wlcg.groups"
_NOT_WORD = re.compile(r"[^A-Z0-9]")


def check_audience(claims: Mapping[str, Any], trust: Trust) -> None:
    """Raises Unauthenticated. A token that names an audience is for that one, whatever client it was made for."""
    audiences = texts(claims.get("aud"))
    if audiences:
        fits = not trust.audiences.isdisjoint(audiences)
    else:
        fits = "aud" not in claims and not trust.clients.isdisjoint({claims.get("azp"), claims.get("client_id")})
    if not fits:
        message = "The token was made for another service; ask its issuer for one with this site's audience."
        raise Unauthenticated(message, reason=Reason.AUDIENCE.value)


def subject_of(claims: Mapping[str, Any]) -> str:
    """Raises Unauthenticated."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or not subject.isprintable():
        raise Unauthenticated("The token names nobody.", reason=Reason.MALFORMED.value)
    return subject


def end_of(claims: Mapping[str, Any], now: datetime, trust: Trust) -> datetime:
    """Raises Unauthenticated for what has ended, and for what would not for longer than the operator wants."""
    seconds = claims.get("exp")
    if seconds is None:
        return now + min(SHORT, trust.max_life)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 2**40:
        raise Unauthenticated("The token's end is no time.", reason=Reason.MALFORMED.value)
    if seconds > (now + trust.max_life).timestamp():
        message = "The token is good for longer than this site takes tokens for; ask its issuer for a shorter one."
        raise Unauthenticated(message, reason=Reason.TOKEN_LIFE.value)
    end = datetime.fromtimestamp(seconds, UTC)
    if end <= now:
        raise Unauthenticated("The token has expired.", reason=Reason.TOKEN_EXPIRED.value)
    return end


def has_memberships(claims: Mapping[str, Any], trust: Trust) -> bool:
    """Whether the claims that would say so are there at all."""
    names = [*(trust.entitlement_claims if trust.namespace else ()), *([WLCG_GROUPS] if trust.wlcg_groups else [])]
    return not names or any(name in claims for name in names)


def memberships_of(claims: Mapping[str, Any], trust: Trust) -> tuple[Membership, ...]:
    """VOs in the token's order. Raises Unauthenticated for a token that speaks only of what is not its issuer's."""
    fqans, foreign = _fqans(claims, trust)
    believed = [fqan for fqan in fqans if trust.vos is None or fqan.vo in trust.vos]
    if not believed and (foreign or fqans):
        message = "The token's issuer does not speak for the virtual organisations that the token names."
        raise Unauthenticated(message, reason=Reason.AUTHORITY.value)
    by_vo: dict[str, list[str]] = {}
    for fqan in believed:
        by_vo.setdefault(fqan.vo, []).append(str(fqan))
    return tuple(Membership(vo, tuple(names)) for vo, names in by_vo.items())


def _fqans(claims: Mapping[str, Any], trust: Trust) -> tuple[list[Fqan], int]:
    found, foreign = list[Fqan](), 0
    if trust.wlcg_groups and WLCG_GROUPS in claims:
        try:
            found += fqans_of_wlcg(texts(claims[WLCG_GROUPS]))
        except EntitlementError as error:
            raise Unauthenticated(f"{error.reason}.", reason=error.code) from error
    if trust.namespace is not None:
        values = [value for name in trust.entitlement_claims for value in texts(claims.get(name))]
        own = sort_entitlements(values, namespace=trust.namespace, authority=trust.authority)
        found += own.fqans
        foreign = own.foreign
    return list(dict.fromkeys(found)), foreign


def assertion_of(claims: Mapping[str, Any]) -> dict[str, list[str]]:
    """Claims under the names that rules know from Apache's mod_auth_openidc: `OIDC-sub`, `OIDC_CLAIM_sub`, `HTTP_OIDC_SUB`.

    Each value stands by itself: none is split at `;`. Values that are no text, number or truth are left out, and so are those
    with control characters, and a name that two claims would have.
    """
    found: dict[str, list[str]] = {}
    doubled: set[str] = set()
    for claim, value in claims.items():
        values = [each for each in _values(value) if each.isprintable()]
        if not values:
            continue
        for name in (f"OIDC-{claim}", f"OIDC_CLAIM_{claim}", f"HTTP_OIDC_{_NOT_WORD.sub('_', claim.upper())}"):
            if name in found:
                doubled.add(name)
            found[name] = values
    return {name: values for name, values in found.items() if name not in doubled}


def name_of(claims: Mapping[str, Any], trust: Trust, subject: str) -> str:
    """What to call somebody."""
    named = claims.get(trust.name_claim)
    return named if isinstance(named, str) and named.isprintable() and 0 < len(named) <= MAX_SUBJECT else subject


def texts(value: object) -> list[str]:
    """The texts of a claim that holds one or a list of them."""
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


def _values(value: object) -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, bool):
            yield "1" if each else "0"
        elif isinstance(each, str | int | float):
            yield str(each)
