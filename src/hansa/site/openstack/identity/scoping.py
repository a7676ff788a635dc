"""What a token is good for: which of the bearer's projects, domains or the system is meant, and the roles there."""

from collections.abc import Sequence
from dataclasses import dataclass

from hansa.base.errors import Forbidden
from hansa.cloud.model import READ_ONLY
from hansa.site.directory import DEFAULT, Directory, Kind, Project, Role, Target, User, project_id, role_id, user_id
from hansa.site.directory.model import DEFAULT_NAME, SYSTEM
from hansa.site.identity import Grant, Identity, Principal
from hansa.site.identity.model import MEMBER, Reason
from hansa.site.identity.token import Token
from hansa.site.openstack.identity.requests import DomainScope, ProjectScope, SystemScope, Wanted


@dataclass(frozen=True, slots=True)
class Person:
    """Who a token is for, as the directory knows them, or would."""

    user: User
    domain: Project


@dataclass(frozen=True, slots=True)
class Scoped:
    """Where a token is good, and the roles there. `project` is the project or domain, None the system; `domain` the project's.

    `powers`: names of those roles that count in the rules of Keystone itself. Those that the policy gives to a VO do not.
    """

    target: Target
    project: Project | None
    domain: Project | None
    roles: tuple[Role, ...]
    powers: frozenset[str]
    grant: Grant | None = None


class Scoping:
    def __init__(self, identity: Identity, directory: Directory) -> None:
        self._identity = identity
        self._directory = directory

    async def person(self, principal: Principal) -> Person:
        known = await self._directory.person(principal)
        user = known or User(user_id(principal.user), principal.display)
        things = await self._directory.things()
        default = Project(DEFAULT, DEFAULT_NAME, "", None, None, is_domain=True)
        return Person(user, things.domains.get(user.domain_id, default))

    async def projects(self, principal: Principal) -> list[Project]:
        """Those that a token may be scoped to, best first."""
        return [await self._project(grant.project) for grant in await self._identity.grants(principal)]

    async def domains(self, principal: Principal) -> list[Project]:
        await self._identity.grants(principal)
        places = {} if principal.is_bound else await self._directory.places(principal)
        return [each.project for each in places.values() if each.target.kind is Kind.DOMAIN and each.project]

    async def is_on_system(self, principal: Principal) -> bool:
        await self._identity.grants(principal)
        return not principal.is_bound and SYSTEM in await self._directory.places(principal)

    async def chosen(self, principal: Principal, wanted: Wanted) -> Scoped:
        """What the bearer asked for. Raises Forbidden for what is not theirs, in one sentence whether or not it is there."""
        grants = await self._identity.grants(principal)
        if isinstance(wanted, SystemScope):
            return await self._place(principal, SYSTEM)
        if isinstance(wanted, DomainScope):
            return await self._place(principal, Target(Kind.DOMAIN, await self.domain_id(wanted) or ""))
        return await self._of_grant(principal, await self._grant(grants, wanted))

    async def by_default(self, principal: Principal) -> Scoped | None:
        """The user's default project, if there is one and the user may be there."""
        person = await self._directory.person(principal)
        if person is None or person.default_project_id is None:
            return None
        try:
            return await self.chosen(principal, ProjectScope(id=person.default_project_id))
        except Forbidden:
            return None

    async def of_token(self, token: Token) -> Scoped | None:
        """What the token is good for now. Raises Forbidden if it is good for nothing any more."""
        principal = token.principal
        if token.is_system:
            await self._identity.grants(principal)
            return await self._place(principal, SYSTEM)
        if token.domain is not None:
            await self._identity.grants(principal)
            return await self._place(principal, Target(Kind.DOMAIN, token.domain))
        if principal.project is not None:
            return await self._of_grant(principal, await self._identity.choose(principal, principal.project))
        await self._identity.grants(principal)
        return None

    async def _grant(self, grants: Sequence[Grant], wanted: ProjectScope) -> Grant:
        domain = await self.domain_id(wanted.domain) if wanted.domain else None
        for grant in grants:
            project = await self._project(grant.project)
            if (
                wanted.id == project.id
                if wanted.id is not None
                else (wanted.name, domain) == (project.name, project.domain_id)
            ):
                return grant
        raise _foreign()

    async def domain_id(self, wanted: DomainScope) -> str | None:
        """Of the domain that is meant; None if there is none of that name."""
        if wanted.id is not None or wanted.name is None:
            return wanted.id
        for domain in (await self._directory.things()).domains.values():
            if wanted.name == domain.name or (domain.id == DEFAULT and wanted.name.lower() == domain.name.lower()):
                return domain.id
        return None

    async def _of_grant(self, principal: Principal, grant: Grant) -> Scoped:
        project = await self._project(grant.project)
        things = await self._directory.things()
        local = principal.grant if principal.grant and principal.grant.project == grant.project else None
        names = grant.roles | {MEMBER} if grant.vo is not None or local else grant.roles
        powers = things.implied_names(grant.assigned | (local.roles if local else frozenset()))
        if principal.is_bound:
            names = powers = grant.roles
        if principal.limited:
            names = powers = frozenset({READ_ONLY})
        roles = tuple(things.role(name) or Role(role_id(name), name) for name in sorted(names))
        domain = things.domains.get(project.domain_id or "")
        return Scoped(Target(Kind.PROJECT, project.id), project, domain, roles, powers, grant)

    async def _place(self, principal: Principal, target: Target) -> Scoped:
        place = (await self._directory.places(principal)).get(target)
        if place is None or principal.limited or principal.is_bound:
            raise _foreign()
        return Scoped(target, place.project, None, place.roles, frozenset(role.name for role in place.roles))

    async def _project(self, key: str) -> Project:
        """Of a grant. The policy's projects are in the directory as soon as it has been read."""
        return await self._directory.project(key) or Project(project_id(key), key, key)


def _foreign() -> Forbidden:
    return Forbidden("You have no part in that project.", reason=Reason.FOREIGN_PROJECT.value)
