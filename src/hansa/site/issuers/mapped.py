"""What mapping rules make of somebody, in the terms of the site's directory."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from hansa.base.errors import Unauthenticated
from hansa.site.directory import Directory
from hansa.site.directory.model import DEFAULT, Source
from hansa.site.identity.model import USER, Principal, Reason
from hansa.site.issuers.claims import assertion_of
from hansa.standards.mapping import Domain, Mapped, MappingError, Rules, UserType, evaluate

log = structlog.stdlib.get_logger(__name__)


async def mapped_principal(
    principal: Principal, claims: Mapping[str, Any], rules: Rules, directory: Directory
) -> Principal:
    """The principal with the name and groups that the rules give, or the local user that they mean. Raises Unauthenticated."""
    mapped = apply(rules, claims)
    groups = await _groups(mapped, directory)
    if mapped.user.type is UserType.LOCAL:
        return replace(await _local(principal, mapped, directory), groups=groups)
    return replace(principal, display=mapped.user.name or mapped.user.id or principal.display, groups=groups)


def apply(rules: Rules, claims: Mapping[str, Any]) -> Mapped:
    """Raises Unauthenticated."""
    try:
        return evaluate(rules, assertion_of(claims))
    except MappingError as error:
        raise Unauthenticated(f"This site's rules do not admit you: {error.reason}.", reason=error.code) from error


async def domain_id(directory: Directory, wanted: Domain | None) -> str | None:
    """The id of the domain that a rule names; that of the default one without a name; None if there is none."""
    domains = (await directory.things()).domains
    if wanted is None:
        return DEFAULT
    if wanted.id is not None:
        return wanted.id if wanted.id in domains else None
    return next((domain.id for domain in domains.values() if domain.name == wanted.name), None)


async def _groups(mapped: Mapped, directory: Directory) -> tuple[str, ...]:
    """Those that are there; as Keystone, rules may name others."""
    known = await directory.groups.several(mapped.group_ids) if mapped.group_ids else {}
    found = [identifier for identifier in mapped.group_ids if identifier in known]
    for each in mapped.groups:
        domain = await domain_id(directory, each.domain)
        group = await directory.groups.named(domain, each.name) if domain else None
        if group is None:
            log.info("issuers.no_such_group", group=each.name)
        else:
            found.append(group.id)
    return tuple(dict.fromkeys(found))


async def _local(principal: Principal, mapped: Mapped, directory: Directory) -> Principal:
    """The user of the directory whom the rules call a local one."""
    wanted = mapped.user
    domain = await domain_id(directory, wanted.domain)
    if wanted.id is not None:
        user = await directory.users.find(wanted.id)
    else:
        user = await directory.users.named(domain, wanted.name) if wanted.name and domain else None
    if user is None or user.source is not Source.DIRECTORY or not user.enabled:
        raise Unauthenticated("This site has no such user as its rules make you.", reason=Reason.DISABLED.value)
    name = USER + user.id
    return replace(principal, user=name, display=user.name, names=principal.names | {name}, stamp=str(user.epoch))
