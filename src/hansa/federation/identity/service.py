"""From a request to a Caller: the certificate of the connection first, then what other rooms know how to prove."""

from collections.abc import Sequence

from hansa.base.errors import Forbidden, HansaError, TooManyRequests, Unauthenticated
from hansa.federation.commons import Commons
from hansa.federation.identity.model import Authenticator, Caller, Proof, Reason, Scope
from hansa.federation.identity.rules import RULES, Target, allowed
from hansa.federation.membership.errors import CredentialSuspended
from hansa.federation.membership.model import Credential
from hansa.standards.errors import StandardError
from hansa.standards.x509 import load_chain, validate_chain

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110 §9.2.1
NOWHERE = Target()


class Identity:
    """`authenticators` come after the certificate; the first that finds its kind of credential decides."""

    def __init__(self, commons: Commons, authenticators: Sequence[Authenticator] = ()) -> None:
        self._commons = commons
        self._authenticators = (self._certificate, *authenticators)

    async def caller(self, scope: Scope, *, write: bool | None = None) -> Caller:
        """Who is calling. Raises Unauthenticated or Forbidden, both with `reason` in their details.

        `write` says whether the request means to change something; by default the method tells.
        """
        try:
            return await self._caller(scope, write=scope["method"] not in SAFE if write is None else write)
        except (Unauthenticated, Forbidden, TooManyRequests) as error:
            self._refused(scope, error, "", None)
            raise

    async def authorise(
        self, scope: Scope, action: str, target: Target = NOWHERE, *, write: bool | None = None
    ) -> Caller:
        """As `caller`, if the table of rules allows the action."""
        caller = await self.caller(scope, write=write)
        self.check(scope, caller, action, target)
        return caller

    def check(self, scope: Scope, caller: Caller, action: str, target: Target) -> None:
        """Raises Forbidden, and notes it."""
        if allowed(caller, action, target):
            return
        grounds = "; ".join(right.value for right in sorted(RULES[action], key=lambda right: right.name))
        error = Forbidden(f"Not yours to do. This may be done by: {grounds}.", reason=Reason.NOT_ALLOWED.value)
        self._refused(scope, error, action, caller)
        raise error

    async def _caller(self, scope: Scope, *, write: bool) -> Caller:
        proof = await self._proof(scope)
        if write and proof.ambient:
            self._check_origin(scope)
        if write and proof.limited:
            message = "This credential may look but not change anything; use a full proxy or your certificate itself."
            raise Forbidden(message, reason=Reason.READ_ONLY.value)
        held = await self._commons.registry.memberships_of(proof.person.uid) if proof.person else ()
        return Caller(proof.person, proof.credential, self._is_operator(proof), proof.limited, held, proof.console)

    async def _proof(self, scope: Scope) -> Proof:
        for authenticator in self._authenticators:
            if proof := await authenticator(scope):
                return proof
        raise Unauthenticated(
            "Show a credential: a certificate on the TLS connection, or log in.", reason=Reason.NO_CREDENTIAL.value
        )

    async def _certificate(self, scope: Scope) -> Proof | None:
        chain: list[str] = scope.get("extensions", {}).get("tls", {}).get("client_cert_chain") or []
        if not chain:
            return None
        policy = self._commons.chain_policy
        try:
            certificates = load_chain(chain, policy)
            identity = validate_chain(certificates, self._commons.trust(), now=self._commons.clock(), policy=policy)
        except StandardError as error:
            raise Unauthenticated(f"{error.reason.rstrip('.')}.", reason=error.code) from error
        credential = Credential(identity.subject, identity.issuer)
        if (reason := await self._commons.registry.suspension_of(credential)) is not None:
            raise CredentialSuspended(f"This certificate is suspended: {reason}", reason=reason)
        person = await self._commons.registry.person_of(credential)
        return Proof(person, credential, identity.limited, ambient=True)

    def _is_operator(self, proof: Proof) -> bool:
        """No limited credential makes an operator."""
        if proof.console is not None:
            return True
        operators = self._commons.operators
        known = proof.credential in operators.credentials or (
            proof.person is not None and proof.person.uid in operators.uids
        )
        return known and not proof.limited

    def _check_origin(self, scope: Scope) -> None:
        """Browsers put `Origin` (RFC 6454) on every request that may change something; other clients have none."""
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1") != self._commons.url:
            raise Forbidden("A page of another site asked for this in your name.", reason=Reason.CROSS_SITE.value)

    def _refused(self, scope: Scope, error: HansaError, action: str, caller: Caller | None) -> None:
        client = scope.get("client")
        self._commons.audit(
            "federation.refused",
            code=error.code,
            reason=error.details.get("reason"),
            error=error.message,
            action=action,
            user=caller.actor if caller else None,
            method=scope["method"],
            path=scope["path"],
            client=client[0] if client else None,
        )
