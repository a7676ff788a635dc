"""The way from a request to a Caller: prove the credential, look up the ban list and the policy, note the refusals."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from hansa.base.errors import Forbidden, HansaError, Unauthenticated
from hansa.cloud.model import READ_ONLY, Caller, ProjectId
from hansa.site.identity.model import Grant, Principal, Reason, Scope
from hansa.site.identity.policy import Policy

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
    """The default of `ensure_project`: projects are the operator's business."""


class Identity:
    """`policy` and `bans` give the present snapshots. `ensure_project` makes a project that is not there (autocreate)."""

    def __init__(
        self,
        authenticators: Sequence[Authenticator],
        *,
        policy: Callable[[], Policy],
        bans: Callable[[], frozenset[str]],
        audit: Audit,
        ensure_project: Callable[[str], Awaitable[None]] = _no_project,
    ) -> None:
        self._authenticators = tuple(authenticators)
        self._policy = policy
        self._bans = bans
        self._audit = audit
        self._ensure_project = ensure_project
        self._ensured: set[str] = set()
        self.challenges = tuple(each.challenge for each in authenticators if each.challenge)

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
            caller = self._authorise(principal, write=write)
            if write:
                _check_origin(scope)
        except (Unauthenticated, Forbidden) as error:
            self._note(
                "identity.refused",
                scope,
                principal,
                code=error.code,
                reason=error.details["reason"],
                error=error.message,
            )
            raise
        if caller.project not in self._ensured:
            await self._ensure_project(caller.project)
            self._ensured.add(caller.project)
        if write:
            self._note("identity.accepted", scope, principal, project=caller.project, fqan=caller.fqan)
        return caller

    async def _authenticate(self, scope: Scope) -> Principal:
        for authenticator in self._authenticators:
            if principal := await authenticator(scope):
                return principal
        message = (
            "Show a credential: a VOMS proxy as TLS client certificate, or user name and password of a local user."
        )
        raise Unauthenticated(message, reason=Reason.NO_CREDENTIAL.value)

    def _authorise(self, principal: Principal, *, write: bool) -> Caller:
        if principal.names & self._bans():
            raise Forbidden("You are banned at this site; ask its operator.", reason=Reason.BANNED.value)
        grant = principal.grant or self._policy().grant(principal.memberships)
        if grant is None:
            raise _unknown(principal)
        if principal.limited and write:
            message = (
                "A limited proxy may look but not change anything; make a full one (voms-proxy-init without -limited)."
            )
            raise Forbidden(message, reason=Reason.READ_ONLY.value)
        return _caller(principal, grant)

    def _note(self, event: str, scope: Scope, principal: Principal | None, **fields: object) -> None:
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


def _unknown(principal: Principal) -> HansaError:
    if not principal.memberships:
        message = "Your certificate names no virtual organisation; make a proxy with voms-proxy-init --voms VO."
        return Forbidden(message, reason=Reason.NO_VO.value)
    vos = ", ".join(membership.vo for membership in principal.memberships)
    return Forbidden(f"This site has no project for your virtual organisation ({vos}).", reason=Reason.FOREIGN_VO.value)
