"""The way from a request to a Caller: prove the credential, look up the ban list and the policy, note the refusals."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from hansa.base.errors import Forbidden, HansaError, TooManyRequests, Unauthenticated
from hansa.cloud.model import READ_ONLY, Caller, ProjectId
from hansa.site.identity.model import USER, Grant, Principal, Reason, Scope
from hansa.site.identity.policy import Policy

A = TypeVar("A")
T = TypeVar("T")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110 §9.2.1


class Authenticator(Protocol):
    """One kind of credential. None: the request shows none of this kind. Raises Unauthenticated for a bad one.

    `challenge` is the value of WWW-Authenticate that asks for it, if HTTP has one.
    """

    @property
    def challenge(self) -> str | None: ...

    async def __call__(self, scope: Scope) -> Principal | None: ...


class Audit(Protocol):
    """Writes one line to the audit log."""

    def __call__(self, event: str, /, **fields: object) -> None: ...


async def _no_project(project: str) -> None:
    """What is there without `ensure_project`: projects are the operator's business."""


class Assignments(Protocol):
    """What the directory says of somebody, beside the policy."""

    async def present(self, principal: Principal) -> None:
        """Raises Unauthenticated for whoever is gone or disabled."""

    async def complete(self, principal: Principal, granted: Iterable[Grant]) -> tuple[Grant, ...]:
        """The grants without those of closed projects, and with what the principal was assigned."""


class Identity:
    """`policy` and `bans` give the present snapshots. `ensure_project` makes a project that is not there (autocreate).

    `assignments` is asked beside the policy; without it the policy has the only word. `standing` gives the principal as the
    federation sees them now, or raises Forbidden.
    """

    def __init__(
        self,
        authenticators: Sequence[Authenticator],
        *,
        policy: Callable[[], Policy],
        bans: Callable[[], frozenset[str]],
        audit: Audit,
        ensure_project: Callable[[str], Awaitable[None]] | None = None,
        assignments: Assignments | None = None,
        standing: Callable[[Principal], Awaitable[Principal]] | None = None,
    ) -> None:
        self._authenticators = tuple(authenticators)
        self._policy = policy
        self._bans = bans
        self._audit = audit
        self._ensure_project = ensure_project or _no_project
        self._assignments = assignments
        self._standing = standing
        self._ensured: set[str] = set()
        self.challenges = tuple(each.challenge for each in authenticators if each.challenge)

    def way(self, kind: type[A]) -> A | None:
        """The authenticator of that kind, if this site has it."""
        return next((each for each in self._authenticators if isinstance(each, kind)), None)

    async def caller(self, scope: Scope, *, write: bool | None = None) -> Caller:
        """Who is calling. Raises Unauthenticated or Forbidden, both with `reason` in their details.

        `write` says whether the request means to change something; by default the method tells. A limited proxy may only
        read: it is refused if `write`, and else gets the role `READ_ONLY`.
        """
        if write is None:
            write = scope["method"] not in _SAFE
        principal = None
        try:
            principal = await self._authenticate(scope)
            caller = await self._authorise(principal, write=write)
            if write:
                _check_origin(scope)
        except (Unauthenticated, Forbidden, TooManyRequests) as error:
            self.refused(scope, principal, error)
            raise
        if caller.project not in self._ensured:
            await self._ensure_project(caller.project)
            self._ensured.add(caller.project)
        if write:
            self.note("identity.accepted", scope, principal, project=caller.project, fqan=caller.fqan)
        return caller

    async def admit(self, scope: Scope, proof: Awaitable[T]) -> T:
        """What `proof` gives: a sign-on that ends in a token. Refusals are noted and raised as by `caller`."""
        try:
            return await proof
        except (Unauthenticated, Forbidden, TooManyRequests) as error:
            self.refused(scope, None, error)
            raise

    async def grants(self, principal: Principal) -> tuple[Grant, ...]:
        """Every project that the principal may use, once each, best first: by the policy, and by assignment.

        Raises Forbidden for the banned and the unknown, Unauthenticated for who is gone. Users of the directory are known even
        where they have no project.
        """
        if principal.names & self._bans():
            raise Forbidden("You are banned at this site; ask its operator.", reason=Reason.BANNED.value)
        if self._standing is not None:
            principal = await self._standing(principal)
        if principal.is_bound:
            return await self._bound(principal)
        found = [principal.grant] if principal.grant else self._policy().grants(principal.memberships)
        by_project: dict[str, Grant] = {}
        for grant in found:
            by_project.setdefault(grant.project, grant)
        granted = tuple(by_project.values())
        if self._assignments is not None:
            await self._assignments.present(principal)
            granted = await self._assignments.complete(principal, granted)
        if not granted and not by_project and not _is_user(principal):
            raise _unknown(principal)
        return granted

    async def _bound(self, principal: Principal) -> tuple[Grant, ...]:
        if self._assignments is not None:
            await self._assignments.present(principal)
        return (principal.grant,) if principal.grant else ()

    async def choose(self, principal: Principal, project: str | None) -> Grant:
        """The grant for that project, or the best one. Raises Forbidden."""
        for grant in await self.grants(principal):
            if project in (None, grant.project):
                return grant
        raise Forbidden("You have no part in that project.", reason=Reason.FOREIGN_PROJECT.value)

    def relevant(self, principal: Principal) -> Principal:
        """The principal without memberships that make no difference at this site; what is left is short."""
        policy = self._policy()
        return replace(principal, memberships=tuple(policy.relevant(each) for each in principal.memberships))

    def issued(self, scope: Scope, principal: Principal, **fields: object) -> None:
        """Note that somebody was given a token."""
        self.note("identity.token_issued", scope, principal, **fields)

    async def _authenticate(self, scope: Scope) -> Principal:
        for authenticator in self._authenticators:
            if principal := await authenticator(scope):
                return principal
        message = (
            "Show a credential: a VOMS proxy as TLS client certificate, a bearer token of an issuer known here, "
            "or user name and password of a local user."
        )
        raise Unauthenticated(message, reason=Reason.NO_CREDENTIAL.value)

    async def _authorise(self, principal: Principal, *, write: bool) -> Caller:
        grant = await self.choose(principal, principal.project)
        if principal.limited and write:
            message = (
                "A limited proxy may look but not change anything; make a full one (voms-proxy-init without -limited)."
            )
            raise Forbidden(message, reason=Reason.READ_ONLY.value)
        return _caller(principal, grant)

    def refused(self, scope: Scope, principal: Principal | None, error: HansaError) -> None:
        """Note that somebody was refused; `error.details` hold the reason."""
        reason = error.details["reason"]
        self.note("identity.refused", scope, principal, code=error.code, reason=reason, error=error.message)

    def note(self, event: str, scope: Scope, principal: Principal | None, **fields: object) -> None:
        """One line of the audit log: who did what, from where."""
        client = scope.get("client")
        self._audit(
            event,
            user=principal.user if principal else None,
            display=principal.display if principal else None,
            method=scope["method"],
            path=scope["path"],
            client=client[0] if client else None,
            **fields,
        )


def _check_origin(scope: Scope) -> None:
    """A page of another site must not spend what a browser sends by itself: its certificate, its remembered password.

    Browsers put `Origin` (RFC 6454) on every request that may change something; other clients have none.
    """
    headers = dict(scope["headers"])
    origin = headers.get(b"origin")
    if origin is not None and origin.partition(b"://")[2] != headers.get(b"host"):
        raise Forbidden("A page of another site asked for this in your name.", reason=Reason.CROSS_SITE.value)


def _caller(principal: Principal, grant: Grant) -> Caller:
    return Caller(
        user=principal.user,
        project=ProjectId(grant.project),
        roles=grant.roles | {READ_ONLY} if principal.limited else grant.roles,
        display=principal.display,
        vo=grant.vo,
        fqan=grant.fqan,
        not_after=principal.not_after,
    )


def _is_user(principal: Principal) -> bool:
    """Whether the site knows somebody without any project: a user of the directory, or one by mapping rules."""
    return principal.user.startswith(USER) or (principal.federation is not None and principal.federation.is_mapped)


def _unknown(principal: Principal) -> Forbidden:
    if not principal.memberships and principal.federation is not None:
        message = "Your token names no virtual organisation; ask its issuer for one with your entitlements."
        return Forbidden(message, reason=Reason.NO_VO.value)
    if not principal.memberships:
        message = "Your certificate names no virtual organisation; make a proxy with voms-proxy-init --voms VO."
        return Forbidden(message, reason=Reason.NO_VO.value)
    vos = ", ".join(membership.vo for membership in principal.memberships)
    return Forbidden(f"This site has no project for your virtual organisation ({vos}).", reason=Reason.FOREIGN_VO.value)
