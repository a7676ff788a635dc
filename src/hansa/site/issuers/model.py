"""An issuer as the operator configured it, and what a token of it proved."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from hansa.client.oidc import Issuer
from hansa.standards.mapping import Rules

Introspection = Literal["opaque", "always", "never"]


@dataclass(frozen=True, slots=True)
class Trust:
    """What an issuer is believed.

    Its tokens are for us if `aud` has one of `audiences`, or, without any `aud`, if they were made for one of `clients`. It
    speaks for entitlements of its `namespace` and `authority`, and in them (and in `wlcg.groups`) for `vos`; None: for any VO.
    """

    audiences: frozenset[str] = frozenset()
    clients: frozenset[str] = frozenset()
    namespace: str | None = None
    authority: str | None = None
    wlcg_groups: bool = False
    vos: frozenset[str] | None = frozenset()
    entitlement_claims: tuple[str, ...] = ()
    name_claim: str = "sub"
    max_life: timedelta = timedelta(days=1)

    @property
    def believes_memberships(self) -> bool:
        return self.namespace is not None or self.wlcg_groups


@dataclass(frozen=True, slots=True)
class Provider:
    """One issuer under the name that Keystone knows it by.

    `rules` give the present snapshot of its mapping file, `document` the same as it was written.
    """

    name: str
    issuer: Issuer
    trust: Trust
    rules: Callable[[], Rules] | None = None
    document: Callable[[], Mapping[str, Any]] | None = None
    introspection: Introspection = "opaque"
    asks_userinfo: bool = True
    scopes: tuple[str, ...] = ("openid",)

    @property
    def introspects(self) -> bool:
        return self.introspection != "never" and self.issuer.client is not None


@dataclass(frozen=True, slots=True)
class Proved:
    """A token that its issuer stands for: what it says of whom, and when it ends."""

    provider: Provider
    subject: str
    claims: Mapping[str, Any]
    not_after: datetime


def oidc_user(issuer: str, subject: str) -> str:
    """Issuer and subject in one unambiguous text: `<` is in no issuer's address."""
    return f"OIDC:<I>{issuer}<S>{subject}"


def ban_name(issuer: str, subject: str) -> str:
    """As it stands in the ban list."""
    return f"{issuer} {subject}"
