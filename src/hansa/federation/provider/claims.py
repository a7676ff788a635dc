"""What tokens say of a person: their names, and what they are in which VO."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hansa.federation.membership.model import Held, Person
from hansa.federation.provider import scopes
from hansa.standards.entitlements import Entitlement
from hansa.standards.voms import Fqan

WLCG_VERSION = "1.0"
"""Of the claim `wlcg.ver`. Verifiers compare it with this text, whatever edition of the profile they follow."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Who somebody is at this moment. `held`: only memberships that anything may be issued on, one at least."""

    person: Person
    held: tuple[Held, ...]

    @property
    def until(self) -> datetime | None:
        """When the first of the memberships, or of their groups, ends: what speaks of all of them is not valid beyond."""
        return min((each.ends for each in self.held if each.ends), default=None)

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(group for each in self.held for group in sorted(each.groups))

    @property
    def fqans(self) -> tuple[Fqan, ...]:
        """Of each VO the groups, then the roles."""
        return tuple(
            fqan
            for each in self.held
            for fqan in (*map(Fqan, sorted(each.groups)), *sorted(Fqan(role.group, role.role) for role in each.roles))
        )


def current(person: Person, held: Iterable[Held], now: datetime) -> Standing | None:
    """None for somebody who is in no VO at present."""
    usable = tuple(each for each in held if each.current and (each.ends is None or each.ends > now))
    return Standing(person, usable) if usable else None


def about(standing: Standing, scope: Sequence[str], *, namespace: str, authority: str) -> dict[str, Any]:
    """The claims that the scope asks for."""
    person = standing.person
    found: dict[str, Any] = {}
    if scopes.PROFILE in scope:
        found |= {
            "name": person.name,
            "given_name": person.given_name,
            "family_name": person.family_name,
            "preferred_username": person.login,
            "locale": person.locale,
        }
    if scopes.EMAIL in scope and person.email:
        found |= {"email": person.email, "email_verified": person.email_verified}
    if scopes.VOPERSON in scope:
        found["voperson_id"] = f"{person.uid}@{authority}"
    found |= memberships(standing, scope, namespace=namespace, authority=authority)
    return {name: value for name, value in found.items() if value is not None and value != ""}


def memberships(standing: Standing, scope: Sequence[str], *, namespace: str, authority: str) -> dict[str, Any]:
    """Groups and roles (AARC-G069; WLCG Common JWT Profiles 1.2), as far as the scope asks for them."""
    found: dict[str, Any] = {}
    for name in scopes.ENTITLEMENTS:
        if name in scope:
            found[name] = [str(Entitlement.of_fqan(fqan, namespace, authority)) for fqan in standing.fqans]
    if asks_for_groups(scope):
        found["wlcg.groups"] = list(wlcg_groups(standing.groups, scope))
    if scopes.ATTRIBUTES in scope:
        found["vo_attributes"] = {each.vo: attributes(each) for each in standing.held if each.attributes}
    if asks_for_groups(scope) or scopes.WLCG in scope:
        found["wlcg.ver"] = WLCG_VERSION
    return found


def attributes(held: Held) -> dict[str, str]:
    """Generic attributes by their names; one's own value wins over those of groups, and a deeper group's over a higher one's."""
    by_nearness = sorted(held.attributes, key=lambda each: (each.group is None, each.group or ""))
    return {each.name: each.value for each in by_nearness}


def asks_for_groups(scope: Iterable[str]) -> bool:
    return any(each == scopes.WLCG_GROUPS or scopes.group_of(each) for each in scope)


def wlcg_groups(groups: Sequence[str], scope: Iterable[str]) -> tuple[str, ...]:
    """The order is that of the scopes; plain `wlcg.groups` stands for all groups, and stands last if it is not there."""
    asked = [each for each in scope if each == scopes.WLCG_GROUPS or scopes.group_of(each)]
    if scopes.WLCG_GROUPS not in asked:
        asked.append(scopes.WLCG_GROUPS)
    chosen = (groups if (group := scopes.group_of(each)) is None else (group,) for each in asked)
    return tuple(dict.fromkeys(group for some in chosen for group in some if group in groups))


def not_held(groups: Sequence[str], scope: Iterable[str]) -> str | None:
    """A group that the scope asks for by its name and that the person is not in."""
    return next((group for each in scope if (group := scopes.group_of(each)) and group not in groups), None)


def entitled(scope: Sequence[str], groups: Sequence[str]) -> tuple[str, ...]:
    """The scope without groups that the person has left since they were granted."""
    return tuple(each for each in scope if (group := scopes.group_of(each)) is None or group in groups)


Claims = Mapping[str, Any]
