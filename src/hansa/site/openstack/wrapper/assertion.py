"""What Keystone's mapping rules are told about a proved credential, and the seal on it.

Keystone splits every value at `;` and, since 2026, reads text as UTF-8 if it looks like that: so a value that holds `;` is
refused, and the identifier that rules must use for a user is a digest in ASCII.
"""

import base64
import hashlib
import hmac
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import orjson

from hansa.base.errors import Unauthenticated
from hansa.site.identity import Principal
from hansa.standards.voms import Fqan


class FrontReason(StrEnum):
    """Why the front refuses, beside what identity refuses; stands in `details["reason"]`."""

    SIZE = "keystone.assertion_size"
    UNFIT_NAME = "keystone.unfit_name"
    SHORT_REST = "keystone.short_rest"


HEADER = b"x-hansa-assertion"
SIZE = 8000
"""Characters of a sealed assertion, as `hansa_keystone.gate` takes."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """`path` is the address, below Keystone's root, that it is good for; `not_after` when the credential ends."""

    path: str
    variables: Mapping[str, str]
    not_after: datetime


def variables(principal: Principal, provider: str) -> Mapping[str, str]:
    """The variables of docs/reference/keystone-front.md. `provider` names the identity provider. Raises Unauthenticated."""
    fqans = [Fqan.parse(text) for membership in principal.memberships for text in membership.fqans]
    return {
        "HANSA_IDENTITY_PROVIDER": provider,
        "VOMS_USER_ID": user_id(principal.user),
        "VOMS_USER_DN": _joined([principal.display]),
        "VOMS_VO": _joined([membership.vo for membership in principal.memberships]),
        "VOMS_FQANS": _joined([str(fqan) for fqan in fqans]),
        "VOMS_GROUPS": _joined([fqan.group for fqan in fqans]),
    }


def user_id(user: str) -> str:
    """SHA-256 of `Principal.user`, which names issuer and subject."""
    return hashlib.sha256(user.encode()).hexdigest()


def seal(assertion: Assertion, secret: bytes, now: datetime) -> bytes:
    """As `hansa_keystone.gate` opens it. Raises Unauthenticated if it grows longer than a header may be."""
    body = {
        "at": int(now.timestamp()),
        "path": assertion.path,
        "not_after": int(assertion.not_after.timestamp()),
        "variables": assertion.variables,
    }
    signed = b"v1." + base64.urlsafe_b64encode(zlib.compress(orjson.dumps(body), 9))
    sealed = signed + b"." + hmac.new(secret, signed, hashlib.sha256).hexdigest().encode()
    if len(sealed) > SIZE:
        message = "Your proxy names too many groups; ask voms-proxy-init for those that you need."
        raise Unauthenticated(message, reason=FrontReason.SIZE.value)
    return sealed


def _joined(values: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(values))
    for value in distinct:
        if ";" in value or any(ord(character) < 0x20 or ord(character) == 0x7F for character in value):
            message = f"Keystone cannot take a name with a semicolon or control characters: {value[:200]!r}."
            raise Unauthenticated(message, reason=FrontReason.UNFIT_NAME.value)
    return ";".join(distinct)
