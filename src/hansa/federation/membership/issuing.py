"""The attribute authority: which certificate a request gets, if any. Every rule of issuing stands here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from hansa.base.errors import BackendDown
from hansa.base.rates import RateLimit
from hansa.base.telemetry.audit import AuditLog
from hansa.federation.membership.errors import (
    CredentialSuspended,
    LimitedCredential,
    MembershipEnded,
    MemberSuspended,
    NotAMember,
    NotHeld,
    PolicyOverdue,
    TooManyRequests,
)
from hansa.federation.membership.model import Clock, Credential, IssuedAc, MemberState, Standing
from hansa.federation.membership.service import Membership
from hansa.standards.voms import Fqan, GenericAttribute, VomsError, carried_acs, issue_ac, select_all, select_fqans
from hansa.standards.voms.wire import AcReply, AcRequest, ListReply, Notice, Warn, command
from hansa.standards.x509 import VerifiedIdentity


@dataclass(frozen=True, slots=True)
class Authority:
    """What ACs are signed with: not the host's TLS key, and RSA, since Java clients verify nothing else."""

    certificate: x509.Certificate
    key: RSAPrivateKey


@dataclass(frozen=True, slots=True)
class VoServer:
    """One VO as its clients see it: `host` and `port` stand in each AC as its policy authority."""

    vo: str
    host: str
    port: int
    max_lifetime: timedelta


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and how: `client` is the address, `dialect` `rest` or `legacy`."""

    identity: VerifiedIdentity
    client: str
    dialect: str


class AttributeAuthority:
    """Issues attribute certificates to members. `authority` is called for each: its files may change under way.

    `url` is where members look after their memberships, if there is a web interface.
    """

    def __init__(
        self,
        registry: Membership,
        authority: Callable[[], Authority],
        rates: RateLimit,
        clock: Clock,
        serial: Callable[[], int],
        audit: AuditLog,
        url: str = "",
    ) -> None:
        self._registry = registry
        self._authority = authority
        self._rates = rates
        self._clock = clock
        self._serial = serial
        self._audit = audit
        self._url = url

    async def answer(self, server: VoServer, request: AcRequest, asker: Asker) -> AcReply | ListReply:
        """Raises what `errors` lists for issuing. On return the audit record is durable."""
        holder = Credential(asker.identity.subject, asker.identity.issuer)
        if not self._rates.allows((server.vo, holder)):
            raise TooManyRequests("Too many requests with this certificate; wait a minute.")
        now = self._clock().replace(microsecond=0)  # certificates count whole seconds
        standing = await self._standing(server.vo, holder)
        held = _held(standing)
        if request.listing:
            return ListReply(tuple(sorted(held, key=str)))
        fqans, warnings = _granted(server.vo, request, held, asker.identity)
        warnings += self._reminders(server.vo, standing)
        not_after, shortened = _end(server, request, standing, asker.identity, self._authority(), now)
        if shortened:
            warnings.append(Warn.shortened(server.host, server.port, int((not_after - now).total_seconds())))
        record = IssuedAc(
            server.vo, self._serial(), now, not_after, holder, tuple(map(str, fqans)), asker.client, asker.dialect
        )
        ac = self._signed(server, request, asker.identity, fqans, record, _attributes(server.vo, standing, fqans))
        await self._registry.record(record)
        self._audit("voms.issued", **_told(record))
        return AcReply(ac, tuple(warnings))

    async def _standing(self, vo: str, holder: Credential) -> Standing:
        standing = await self._registry.standing(vo, holder)
        if standing is None:
            raise NotAMember(f"{holder.subject} is not a member of {vo}.")
        if standing.state is MemberState.SUSPENDED:
            raise MemberSuspended(f"The membership of {vo} is suspended.", reason=standing.reason)
        if standing.credential_suspended is not None:
            raise CredentialSuspended("This certificate is suspended.", reason=standing.credential_suspended)
        if standing.until is not None and standing.state is MemberState.EXPIRED:
            raise MembershipEnded(
                f"The membership of {vo} is not active: it ended on {standing.until:%Y-%m-%d}; ask the VO's managers."
            )
        if standing.aup_due is not None and standing.aup_due <= self._clock():
            raise PolicyOverdue(f"Accept the acceptable use policy of {vo} first: {self._place(vo)}.")
        return standing

    def _place(self, vo: str) -> str:
        """Where a member accepts the policy."""
        return f"hansa vo aup accept {vo}" + (f", or at {self._url}" if self._url else "")

    def _reminders(self, vo: str, standing: Standing) -> list[Warn]:
        """What ends soon for the member; clients show it beside a good certificate."""
        found = []
        if standing.aup_due is not None:
            text = f"{vo}: accept the acceptable use policy by {standing.aup_due:%Y-%m-%d}: {self._place(vo)}"
            found.append(Warn(Notice.OTHER, text))
        if standing.state is MemberState.GRACE and standing.until and standing.ends:
            text = f"{vo}: your membership ended on {standing.until:%Y-%m-%d}; renew it by {standing.ends:%Y-%m-%d}"
            found.append(Warn(Notice.OTHER, text))
        return found

    def _signed(
        self,
        server: VoServer,
        request: AcRequest,
        identity: VerifiedIdentity,
        fqans: tuple[Fqan, ...],
        record: IssuedAc,
        attributes: tuple[GenericAttribute, ...],
    ) -> bytes:
        authority = self._authority()
        return issue_ac(
            holder=identity.eec,
            issuer=authority.certificate,
            key=authority.key,
            vo=server.vo,
            host=server.host,
            port=server.port,
            fqans=fqans,
            not_before=record.issued,
            not_after=record.not_after,
            serial=record.serial,
            attributes=attributes,
            targets=request.targets,
        )


def _held(standing: Standing) -> frozenset[Fqan]:
    groups = (Fqan(path) for path in standing.groups)
    return frozenset((*groups, *(Fqan(grant.group, grant.role) for grant in standing.roles)))


def _attributes(vo: str, standing: Standing, fqans: tuple[Fqan, ...]) -> tuple[GenericAttribute, ...]:
    """The member's own, qualified by the VO, and those of the groups that are in the certificate."""
    groups = {fqan.group for fqan in fqans}
    return tuple(
        GenericAttribute(each.name, each.value, each.group or vo)
        for each in standing.attributes
        if each.group is None or each.group in groups
    )


def _granted(
    vo: str, request: AcRequest, held: frozenset[Fqan], identity: VerifiedIdentity
) -> tuple[tuple[Fqan, ...], list[Warn]]:
    """What goes into the AC, and what to tell the client beside it."""
    if identity.limited and (request.everything or any(fqan.role for fqan in request.fqans)):
        raise LimitedCredential("A limited proxy gets no roles: use your own certificate, or a full proxy.")
    fqans = _selected(request, held)
    warnings = [Warn.unknown_parameters()] if request.unknown_parameters else []
    present = _already_carried(vo, identity)
    if present is not None and not set(fqans) <= present:
        fqans = tuple(fqan for fqan in fqans if fqan in present)
        warnings.append(Warn.subset())
        if not fqans:
            raise NotHeld("The proxy in use carries none of these attributes: use your own certificate.", wanted="")
    if request.order and fqans[0] != request.order[0]:
        warnings.append(Warn.order_not_kept())
    return fqans, warnings


def _selected(request: AcRequest, held: frozenset[Fqan]) -> tuple[Fqan, ...]:
    missing = next((fqan for fqan in request.fqans if fqan not in held), None)
    if missing:
        raise NotHeld(f"You do not hold {missing}.", wanted=command(missing))
    if request.everything:
        return select_all(held, request.order)
    return select_fqans(held, request.fqans, request.order)


def _already_carried(vo: str, identity: VerifiedIdentity) -> set[Fqan] | None:
    """Attributes of this VO in the proxies that ask; None if they carry none. They only narrow, so nobody need verify them.

    Where several proxies carry some, all must: whoever holds one can put another below it that claims anything.
    """
    try:
        carried = [{fqan for ac in acs if ac.vo == vo for fqan in ac.fqans} for acs in carried_acs(identity)]
    except VomsError as error:
        raise NotHeld("The proxy in use carries damaged attributes: use your own certificate.", wanted="") from error
    stated = [fqans for fqans in carried if fqans]
    return set.intersection(*stated) if stated else None


def _end(
    server: VoServer,
    request: AcRequest,
    standing: Standing,
    identity: VerifiedIdentity,
    authority: Authority,
    now: datetime,
) -> tuple[datetime, bool]:
    """When the AC ends, and whether that is sooner than asked. It outlives neither credential, membership nor our own key."""
    longest = int(server.max_lifetime.total_seconds())
    end = now + timedelta(seconds=min(request.lifetime or longest, longest))
    bounds = [identity.not_after, authority.certificate.not_valid_after_utc]
    bounds += [standing.ends] if standing.ends else []
    end = min(end, *bounds)
    if end <= now:  # credential and membership were looked at: it is our own
        raise BackendDown("The certificate that signs attribute certificates has expired.")
    return end, request.lifetime is not None and (end - now).total_seconds() < request.lifetime


def _told(record: IssuedAc) -> dict[str, object]:
    return {
        "vo": record.vo,
        "serial": f"{record.serial:x}",
        "subject": record.holder.subject.rfc4514(),
        "issuer": record.holder.issuer.rfc4514(),
        "fqans": record.fqans,
        "not_after": record.not_after.isoformat(),
        "client": record.client,
        "dialect": record.dialect,
    }
