"""The registry of VOs and their members, as the rest of the federation uses it.

The rules stand in `vos`, `persons`, `joining`, `policies`, `attributes`, `linking` and `sweeping`.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.errors import BadRequest
from hansa.base.passwords import PASSWORD_MAX, check_password, hash_password
from hansa.federation.membership import attributes, joining, linking, persons, policies, sweeping, vos
from hansa.federation.membership.act import Act
from hansa.federation.membership.batches import Batches
from hansa.federation.membership.joining import DEFAULT, Default, Who
from hansa.federation.membership.model import (
    SYSTEM,
    Acceptance,
    Attribute,
    AttributeClass,
    Change,
    Clock,
    Credential,
    Details,
    Group,
    Held,
    IssuedAc,
    KnownCredential,
    Member,
    Page,
    Person,
    Policy,
    Role,
    RoleGrant,
    Standing,
    Subject,
    Vo,
    VoProfile,
)
from hansa.federation.membership.store import attributes as attribute_store
from hansa.federation.membership.store import changes as change_store
from hansa.federation.membership.store import issued as issued_store
from hansa.federation.membership.store import members as member_store
from hansa.federation.membership.store import persons as person_store
from hansa.federation.membership.store import policies as policy_store
from hansa.federation.membership.store import standing as standing_store
from hansa.federation.membership.store import vos as vo_store
from hansa.federation.membership.store.members import Wanted

T = TypeVar("T")
PASSWORD_MIN = 8
NO_PROFILE = VoProfile()
EVERYBODY = Wanted()
__all__ = ["Membership", "Wanted", "Who"]


class Membership:
    """Every call is one transaction; `actor` stands beside its changes in the history.

    Another room that changes the registry in a transaction of its own calls the rules with an `Act`.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._records = Batches(self._write_records)

    # VOs and groups

    async def create_vo(self, name: str, profile: VoProfile = NO_PROFILE, *, actor: str = SYSTEM) -> None:
        """Raises InvalidName, AlreadyExists."""
        await self._do(actor, lambda act: vos.create_vo(act, name, profile))

    async def vos(self) -> list[Vo]:
        return await self._db.read(vo_store.every)

    async def vo(self, name: str) -> Vo:
        """Raises NoSuchVo."""
        return await self._db.read(lambda c: vos.get(c, name))

    async def set_profile(
        self, vo: str, profile: VoProfile, *, expected: Callable[[Vo], None] | None = None, actor: str = SYSTEM
    ) -> Vo:
        """`expected` is shown what is there, in the same transaction, and may raise."""
        return await self._do(actor, lambda act: vos.set_profile(act, vo, profile, expected))

    async def remove_vo(self, name: str, *, actor: str = SYSTEM) -> None:
        """Raises HasMembers."""
        await self._do(actor, lambda act: vos.remove_vo(act, name))

    async def add_group(self, vo: str, path: str, description: str = "", *, actor: str = SYSTEM) -> None:
        """The group above must exist. Raises InvalidName, NoSuchGroup, AlreadyExists."""
        await self._do(actor, lambda act: vos.add_group(act, vo, path, description))

    async def describe_group(self, vo: str, path: str, description: str, *, actor: str = SYSTEM) -> None:
        await self._do(actor, lambda act: vos.describe_group(act, vo, path, description))

    async def groups(self, vo: str) -> list[str]:
        return await self._db.read(lambda c: vo_store.group_paths(c, vos.find_vo(c, vo)))

    async def group_list(self, vo: str) -> list[Group]:
        return await self._db.read(lambda c: vo_store.group_list(c, vos.find_vo(c, vo)))

    async def roles(self, vo: str) -> list[Role]:
        """Those that the VO has defined; a VO without any takes every name."""
        return await self._db.read(lambda c: vo_store.role_list(c, vos.find_vo(c, vo)))

    async def define_role(self, vo: str, role: Role, *, actor: str = SYSTEM) -> None:
        await self._do(actor, lambda act: vos.define_role(act, vo, role))

    async def undefine_role(self, vo: str, name: str, *, actor: str = SYSTEM) -> None:
        """Raises NoSuchRole."""
        await self._do(actor, lambda act: vos.undefine_role(act, vo, name))

    async def remove_group(self, vo: str, path: str, *, actor: str = SYSTEM) -> None:
        """With all groups below it, and the memberships and roles in them."""
        await self._do(actor, lambda act: vos.remove_group(act, vo, path))

    # Persons

    async def add_person(
        self, details: Details, credentials: Sequence[Credential | Subject] = (), *, actor: str = SYSTEM
    ) -> Person:
        """Raises BadRequest, AlreadyExists (login), CredentialTaken."""
        return await self._do(actor, lambda act: persons.create(act, details, credentials))

    async def update_person(
        self, uid: str, details: Details, *, expected: Callable[[Person], None] | None = None, actor: str = SYSTEM
    ) -> Person:
        """`expected` is shown what is there, in the same transaction, and may raise."""
        return await self._do(actor, lambda act: persons.update(act, uid, details, expected))

    async def erase_person(self, uid: str, *, actor: str = SYSTEM) -> None:
        """All that is known of somebody who is in no VO any more. Raises AlreadyExists while they are."""
        await self._do(actor, lambda act: persons.erase(act, uid))

    async def person(self, uid: str) -> Person:
        """Raises NoSuchPerson."""
        return await self._db.read(lambda c: persons.get(c, uid))

    async def person_of(self, credential: Credential | Subject) -> Person | None:
        """Whose credential it is; None for strangers and for suspended credentials."""
        return await self._db.read(lambda c: person_store.of(c, credential, usable=True))

    async def suspension_of(self, credential: Credential | Subject) -> str | None:
        """The reason why a credential may not be used; None if it may, and for strangers."""
        return await self._db.read(lambda c: person_store.suspension_of(c, credential))

    async def find_persons(self, text: str = "", *, after: int = 0, limit: int = 100) -> list[Person]:
        """The next persons, by number, whom every word of `text` names."""
        return await self._db.read(lambda c: person_store.find(c, text, after=after, limit=limit))

    async def robots_of(self, uid: str) -> list[Person]:
        """Those that somebody answers for."""
        return await self._db.read(lambda c: person_store.sponsored(c, uid))

    async def person_by_login(self, login: str) -> Person | None:
        return await self._db.read(lambda c: person_store.by_login(c, login))

    async def credentials(self, uid: str) -> tuple[KnownCredential, ...]:
        return await self._db.read(lambda c: person_store.known(c, persons.get(c, uid).id))

    async def link(self, uid: str, credential: Credential | Subject, *, actor: str = SYSTEM) -> KnownCredential:
        """One more credential for a person, who has proved both. Raises CredentialTaken."""
        return await self._do(actor, lambda act: persons.add_credential(act, uid, credential))

    async def unlink(self, uid: str, number: int, *, actor: str = SYSTEM) -> None:
        """Raises NoSuchCredential."""
        await self._do(actor, lambda act: persons.remove_credential(act, uid, number))

    async def suspend_credential(self, uid: str, number: int, reason: str, *, actor: str = SYSTEM) -> KnownCredential:
        return await self._do(actor, lambda act: persons.suspend_credential(act, uid, number, reason))

    async def restore_credential(self, uid: str, number: int, *, actor: str = SYSTEM) -> KnownCredential:
        return await self._do(actor, lambda act: persons.restore_credential(act, uid, number))

    async def set_password(self, uid: str, password: bytes | None, *, actor: str = SYSTEM) -> None:
        """None takes it away. Raises BadRequest for one that is too short or too long."""
        if password is not None and not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
            raise BadRequest(f"A password has {PASSWORD_MIN} to {PASSWORD_MAX} bytes.", field="password")
        hashed = None if password is None else await asyncio.to_thread(hash_password, password)
        await self._do(actor, lambda act: persons.set_password(act, uid, hashed))

    async def check_password(self, login: str, password: bytes) -> Person | None:
        """Who logs in; None for an unknown login and a wrong password alike, after the same time."""
        found = await self._db.read(lambda c: person_store.password(c, login))
        person, hashed = found or (None, None)
        return person if await check_password(hashed, password) else None

    async def memberships_of(self, uid: str) -> tuple[Held, ...]:
        """All of a person's memberships, by VO; only those that are `current` count for issuing. Empty for a stranger."""
        return await self._db.read(lambda c: standing_store.held(c, uid, self._clock()))

    # Members

    async def add_member(
        self,
        vo: str,
        credential: Credential,
        *,
        name: str,
        email: str = "",
        until: datetime | Default | None = DEFAULT,
        actor: str = SYSTEM,
    ) -> Member:
        """Admit the holder of a certificate. Somebody whom another VO knows stays the same person. Raises AlreadyExists."""

        def add(act: Act) -> Member:
            person = person_store.of(act.connection, credential)
            if person is None:
                person = persons.create(act, Details(name, email=email), [credential])
            return joining.admit(act, vo, person.uid, until=until)

        return await self._do(actor, add)

    async def admit(
        self, vo: str, person_uid: str, *, until: datetime | Default | None = DEFAULT, actor: str = SYSTEM
    ) -> Member:
        """`until`: None for no end, by default the VO's. Raises NoSuchVo, NoSuchPerson, AlreadyExists."""
        return await self._do(actor, lambda act: joining.admit(act, vo, person_uid, until=until))

    async def add_credential(
        self, vo: str, who: Who, credential: Credential | Subject, *, actor: str = SYSTEM
    ) -> Member:
        """One more certificate for a member; it serves in all the person's VOs. Raises CredentialTaken."""

        def add(act: Act) -> Member:
            uid = joining.get(act.connection, vo, who, act.now).person.uid
            persons.add_credential(act, uid, credential)
            return joining.get(act.connection, vo, uid, act.now)

        return await self._do(actor, add)

    async def members(self, vo: str) -> list[Member]:
        return await self._db.read(
            lambda c: member_store.load_members(c, member_store.member_ids(c, vos.find_vo(c, vo)), self._clock())
        )

    async def find_members(self, vo: str, wanted: Wanted = EVERYBODY, *, after: int = 0, limit: int = 100) -> Page:
        """A page of the members that are wanted; `after` is the cursor of the page before."""

        def find(connection: Connection) -> Page:
            now, vo_id = self._clock(), vos.find_vo(connection, vo)
            grace = vo_store.terms(connection, vo_id).grace_days
            ids = member_store.find(connection, vo_id, wanted, after=after, limit=limit + 1, grace_days=grace, now=now)
            found = member_store.load_members(connection, ids[:limit], now)
            return Page(tuple(found), found[-1].id if len(ids) > limit else None)

        return await self._db.read(find)

    async def snapshot(self, vo: str) -> list[Member]:
        """Every member as of one moment, for those who copy the registry. Ask `latest_change` first, to follow from there."""
        return await self.members(vo)

    async def member(self, vo: str, who: Who) -> Member:
        """Raises NoSuchMember."""
        return await self._db.read(lambda c: joining.get(c, vo, who, self._clock()))

    async def suspend(self, vo: str, who: Who, reason: str, *, actor: str = SYSTEM) -> Member:
        """No more ACs until restored; the member is told the reason."""
        return await self._do(actor, lambda act: joining.suspend(act, vo, who, reason))

    async def restore(self, vo: str, who: Who, *, actor: str = SYSTEM) -> Member:
        return await self._do(actor, lambda act: joining.restore(act, vo, who))

    async def set_until(self, vo: str, who: Who, until: datetime | None, *, actor: str = SYSTEM) -> Member:
        """Move the end of the membership; None for no end."""
        return await self._do(actor, lambda act: joining.set_until(act, vo, who, until))

    async def remove(self, vo: str, who: Who, *, actor: str = SYSTEM) -> None:
        """End the membership, with its groups and roles. The person and the record of issued ACs stay."""
        await self._do(actor, lambda act: joining.remove(act, vo, who))

    async def join(self, vo: str, who: Who, path: str, *, until: datetime | None = None, actor: str = SYSTEM) -> Member:
        """Into a group and those above it. Raises AlreadyExists if in it already."""
        return await self._do(actor, lambda act: joining.join(act, vo, who, path, until))

    async def set_group_until(
        self, vo: str, who: Who, path: str, until: datetime | None, *, actor: str = SYSTEM
    ) -> Member:
        """Move the end of a membership of a group. Raises NoSuchGroup if not in it."""
        return await self._do(actor, lambda act: joining.set_group_until(act, vo, who, path, until))

    async def leave(self, vo: str, who: Who, path: str, *, actor: str = SYSTEM) -> Member:
        """Out of a group and those below it, with the roles there. Raises NoSuchGroup if not in it."""
        return await self._do(actor, lambda act: joining.leave(act, vo, who, path))

    async def grant(self, vo: str, who: Who, role: RoleGrant, *, actor: str = SYSTEM) -> Member:
        """A role in a group that the member is in. Raises InvalidName, NoSuchGroup, AlreadyExists."""
        return await self._do(actor, lambda act: joining.grant(act, vo, who, role))

    async def revoke(self, vo: str, who: Who, role: RoleGrant, *, actor: str = SYSTEM) -> Member:
        """Raises NoSuchRole."""
        return await self._do(actor, lambda act: joining.revoke(act, vo, who, role))

    # Policies, attributes, links

    async def publish_policy(
        self, vo: str, version: str, text: str, url: str = "", *, asks_again: bool = True, actor: str = SYSTEM
    ) -> Policy:
        """A new version of the acceptable use policy; `asks_again`: all members have to accept it."""
        return await self._do(actor, lambda act: policies.publish(act, vo, version, text, url, asks_again=asks_again))

    async def policy(self, vo: str) -> Policy:
        """The newest version. Raises NoPolicy."""
        return await self._db.read(lambda c: policies.current(c, vo))

    async def policies(self, vo: str) -> list[Policy]:
        """All versions, newest first."""
        return await self._db.read(lambda c: policy_store.every(c, vos.find_vo(c, vo)))

    async def accept_policy(self, vo: str, who: Who, version: str, *, actor: str) -> Member:
        """`actor`: the member, or whoever signs for a robot. Raises NoPolicy unless it is the newest version."""
        return await self._do(actor, lambda act: policies.accept(act, vo, who, version))

    async def acceptances(self, vo: str, uid: str) -> list[Acceptance]:
        """Newest first."""
        return await self._db.read(lambda c: policies.accepted(c, vo, uid))

    async def attribute_classes(self, vo: str) -> list[AttributeClass]:
        return await self._db.read(lambda c: attribute_store.classes(c, vos.find_vo(c, vo)))

    async def define_attribute(self, vo: str, wanted: AttributeClass, *, actor: str = SYSTEM) -> None:
        await self._do(actor, lambda act: attributes.define(act, vo, wanted))

    async def undefine_attribute(self, vo: str, name: str, *, actor: str = SYSTEM) -> None:
        """With all its values. Raises NoSuchAttribute."""
        await self._do(actor, lambda act: attributes.undefine(act, vo, name))

    async def set_attribute(self, vo: str, who: Who, name: str, value: str, *, actor: str = SYSTEM) -> Member:
        """Raises NoSuchAttribute, ValueTaken."""
        return await self._do(actor, lambda act: attributes.set_for_member(act, vo, who, name, value))

    async def unset_attribute(self, vo: str, who: Who, name: str, *, actor: str = SYSTEM) -> Member:
        return await self._do(actor, lambda act: attributes.unset_for_member(act, vo, who, name))

    async def group_attributes(self, vo: str) -> list[Attribute]:
        return await self._db.read(lambda c: attribute_store.of_groups(c, vos.find_vo(c, vo)))

    async def set_group_attribute(self, vo: str, path: str, name: str, value: str, *, actor: str = SYSTEM) -> None:
        await self._do(actor, lambda act: attributes.set_for_group(act, vo, path, name, value))

    async def unset_group_attribute(self, vo: str, path: str, name: str, *, actor: str = SYSTEM) -> None:
        await self._do(actor, lambda act: attributes.unset_for_group(act, vo, path, name))

    async def offer_link(self, uid: str, token: str) -> None:
        """Who redeems the random `token` within 15 minutes, with another credential, is this person."""
        await self._do(uid, lambda act: linking.offer(act, uid, token))

    async def redeem_link(self, token: str, credential: Credential | Subject) -> KnownCredential:
        """Raises LinkRefused, CredentialTaken."""
        return await self._do(SYSTEM, lambda act: linking.redeem(act, token, credential))

    # History and issuing

    async def sweep(self) -> int:
        """Note what time alone has done since. How many changes that made; call it again while there are any."""
        return await self._do(SYSTEM, sweeping.sweep)

    async def changes(
        self, after: int, limit: int = 1000, *, vo: str | None = None, person: str | None = None
    ) -> list[Change]:
        """What has changed since the change `after`, in order; 0 for everything."""
        return await self._db.read(lambda c: change_store.after(c, after, limit, vo=vo, person=person))

    async def latest_change(self) -> int:
        return await self._db.read(change_store.latest)

    async def standing(self, vo: str, credential: Credential) -> Standing | None:
        """What the holder of a certificate is in a VO; None for a stranger."""
        return await self._db.read(
            lambda connection: standing_store.standing(connection, vo, credential, self._clock())
        )

    async def record(self, ac: IssuedAc) -> None:
        """Durable on return: an AC is handed out only after this. Those that wait for the disk together share a transaction."""
        await self._records.add(ac)

    async def _write_records(self, acs: Sequence[IssuedAc]) -> None:
        await self._db.write(lambda connection: issued_store.record(connection, acs))

    async def issued(self, vo: str, limit: int = 100) -> list[IssuedAc]:
        """The latest attribute certificates, newest first."""
        return await self._db.read(lambda connection: issued_store.recorded(connection, vo, limit))

    async def _do(self, actor: str, rule: Callable[[Act], T]) -> T:
        return await self._db.write(lambda connection: rule(Act(connection, self._clock(), actor)))
