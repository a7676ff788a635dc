"""Group membership and roles as entitlements (AARC-G002, AARC-G069), and as WLCG group paths; both ways to VOMS FQANs.

urn:mace:egi.eu:group:fedcloud.egi.eu:bio:role=vm_operator#aai.egi.eu   is   /fedcloud.egi.eu/bio/Role=vm_operator
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self
from urllib.parse import quote, unquote_to_bytes

from hansa.standards.errors import StandardError
from hansa.standards.voms import Fqan

MAX_ENTITLEMENT = 2048
"""Characters."""
MEMBER = "member"
"""The role of everybody in a group: an entitlement with it says no more than one without a role."""

_NID = r"[A-Za-z0-9][A-Za-z0-9-]{0,30}[A-Za-z0-9]"
_PART = r"(?:[A-Za-z0-9._~!$&'()*+,;=@-]|%[0-9A-Fa-f]{2})+"
_AUTHORITY = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})+"
_NAMESPACE = re.compile(rf"[Uu][Rr][Nn]:{_NID}(?::{_PART})+")
_ENTITLEMENT = re.compile(rf"([Uu][Rr][Nn]:{_NID}(?::{_PART})+?):group:({_PART}(?::{_PART})*)(?:#({_AUTHORITY}))?")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_ROLE = "role="
_VOMS_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_WLCG = re.compile(rf"(?:/{_VOMS_NAME.pattern})+")


class EntitlementCode(StrEnum):
    """Every refusal of this module."""

    SYNTAX = "entitlement.syntax"
    NO_FQAN = "entitlement.no_fqan"
    WLCG_GROUP = "entitlement.wlcg_group"


class EntitlementError(StandardError):
    """An entitlement or a group path that is refused; `code` is an `EntitlementCode`."""

    def __init__(self, code: EntitlementCode, reason: str) -> None:
        super().__init__(code.value, reason)


@dataclass(frozen=True, slots=True)
class Entitlement:
    """`urn:NID:NAMESPACE:group:GROUP[:SUBGROUP…][:role=ROLE][#AUTHORITY]` (AARC-G069 §2).

    The first `:group:` ends the namespace, which is in lower case, as the specification compares it. `group` and `role` are
    decoded: what was percent-encoded stands there as text, and two spellings of one entitlement are equal. `authority` is
    kept as written, but for the case of escapes; AARC-G069 no longer asks for it, so it may be None.
    """

    namespace: str
    group: tuple[str, ...]
    role: str | None = None
    authority: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `EntitlementError` (`entitlement.syntax`), also for r- and q-components, raw `/`, escapes that are no UTF-8."""
        match = _ENTITLEMENT.fullmatch(text) if len(text) <= MAX_ENTITLEMENT else None
        if match is None:
            raise _syntax(text, "is not urn:NAMESPACE:group:GROUP[:role=ROLE][#AUTHORITY]")
        parts = match[2].split(":")
        role = parts.pop().removeprefix(_ROLE) if parts[-1].startswith(_ROLE) else None
        if not parts or role == "" or any(part.startswith(_ROLE) for part in parts):
            raise _syntax(text, "must name a group, then at most one role")
        return cls(
            match[1].lower(),
            tuple(_decoded(part, text) for part in parts),
            None if role is None else _decoded(role, text),
            None if match[3] is None else _upper_escapes(match[3]),
        )

    @classmethod
    def of_fqan(cls, fqan: Fqan, namespace: str, authority: str | None = None) -> Self:
        """A group without a role becomes `role=member`, as EGI Check-in writes it."""
        group = tuple(fqan.group.removeprefix("/").split("/"))
        return cls(normal_namespace(namespace), group, fqan.role or MEMBER, authority)

    def fqan(self) -> Fqan:
        """Raises `EntitlementError` (`entitlement.no_fqan`) for names that VOMS does not allow, such as those with spaces."""
        role = self.role or MEMBER
        if not all(_VOMS_NAME.fullmatch(name) for name in (*self.group, role)):
            raise EntitlementError(
                EntitlementCode.NO_FQAN, f"{str(self)[:200]!r} has no FQAN: a name in it is not VOMS'"
            )
        group = "/" + "/".join(self.group)
        try:
            return Fqan.parse(group if role == MEMBER else f"{group}/Role={role}")
        except StandardError as error:  # too long
            raise EntitlementError(EntitlementCode.NO_FQAN, error.reason) from error

    def __str__(self) -> str:
        role = "" if self.role is None else f":{_ROLE}{_encoded(self.role)}"
        authority = "" if self.authority is None else f"#{self.authority}"
        return f"{self.namespace}:group:{':'.join(map(_encoded, self.group))}{role}{authority}"


def normal_namespace(text: str) -> str:
    """`urn:…` in the form in which namespaces are compared. Raises `EntitlementError` (`entitlement.syntax`)."""
    if len(text) > MAX_ENTITLEMENT or not _NAMESPACE.fullmatch(text) or ":group:" in f"{text.lower()}:":
        raise _syntax(text, "is not a namespace such as urn:mace:egi.eu")
    return text.lower()


@dataclass(frozen=True, slots=True)
class Sorted:
    """FQANs that the issuer may speak of, in its order, and the number of entitlements that are not its own."""

    fqans: tuple[Fqan, ...]
    foreign: int


def sort_entitlements(values: Iterable[str], *, namespace: str, authority: str | None) -> Sorted:
    """The memberships among the entitlements of one issuer, which speaks for `namespace` and `authority` alone.

    Values that are no group entitlements, or have no FQAN, say nothing of membership and are passed over. An entitlement
    with another authority or namespace is foreign: never believed. With `authority` None only those without one are its own.
    """
    namespace, found, foreign = normal_namespace(namespace), list[Fqan](), 0
    for value in values:
        try:
            entitlement = Entitlement.parse(value)
        except EntitlementError:
            continue
        if (entitlement.namespace, entitlement.authority) != (namespace, authority):
            foreign += 1
            continue
        try:
            found.append(entitlement.fqan())
        except EntitlementError:
            continue
    return Sorted(tuple(dict.fromkeys(found)), foreign)


def fqans_of_wlcg(groups: Sequence[str]) -> tuple[Fqan, ...]:
    """The claim `wlcg.groups` (WLCG Common JWT Profiles 1.2): slash paths, in the order of preference, no parents implied.

    Raises `EntitlementError` (`entitlement.wlcg_group`).
    """
    for group in groups:
        if len(group) > MAX_ENTITLEMENT or not _WLCG.fullmatch(group):
            raise EntitlementError(EntitlementCode.WLCG_GROUP, f"{group[:80]!r} is not a group path such as /vo/group")
    return tuple(dict.fromkeys(Fqan(group) for group in groups))


def _decoded(part: str, whole: str) -> str:
    try:
        text = unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        raise _syntax(whole, "has escapes that are not UTF-8") from None
    if not text.isprintable():
        raise _syntax(whole, "has control characters in a name")
    return text


def _encoded(part: str) -> str:
    return quote(part, safe="")  # all but unreserved characters (RFC 3986 §2.3)


def _upper_escapes(text: str) -> str:
    return _ESCAPE.sub(lambda match: match[0].upper(), text)


def _syntax(text: str, why: str) -> EntitlementError:
    return EntitlementError(EntitlementCode.SYNTAX, f"{text[:80]!r} {why}")
