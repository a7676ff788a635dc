"""Acceptable use policies: versions, who accepted them, and by when somebody has to."""

import hashlib

from sqlalchemy import Connection

from hansa.base.errors import BadRequest
from hansa.federation.membership import joining, vos
from hansa.federation.membership.act import Act
from hansa.federation.membership.errors import AlreadyExists, NoPolicy
from hansa.federation.membership.joining import Who
from hansa.federation.membership.model import Acceptance, Member, Policy
from hansa.federation.membership.names import check_url, one_line, prose
from hansa.federation.membership.store import members as member_store
from hansa.federation.membership.store import policies as store
from hansa.federation.membership.store import vos as vo_store

TEXT_MAX = 100_000


def publish(act: Act, vo: str, version: str, text: str, url: str = "", *, asks_again: bool = True) -> Policy:
    """A new version. `asks_again`: all members have to accept it, whatever they accepted before. Raises AlreadyExists."""
    vo_id = vos.find_vo(act.connection, vo)
    version, text, url = one_line(version, "version", 50), prose(text, "text", TEXT_MAX), check_url(url, "url")
    if not version or not (text or url):
        raise BadRequest("A policy has a version, and a text or an address.", field="text" if version else "version")
    known = store.every(act.connection, vo_id)
    if any(each.version == version for each in known):
        raise AlreadyExists(f"There is a version {version} of the policy already.")
    digest = hashlib.sha256(text.encode()).hexdigest()
    asks_again = asks_again or not known
    number = store.insert(act.connection, vo_id, version, text, url, digest, act.now, asks_again=asks_again)
    if asks_again:
        vo_store.update(act.connection, vo_id, aup_floor=number, aup_asked=act.now)
    act.note("aup.published", vo=vo, version=version, digest=digest, asks_again=asks_again)
    return current(act.connection, vo)


def current(connection: Connection, vo: str) -> Policy:
    """Raises NoPolicy."""
    found = store.newest(connection, vos.find_vo(connection, vo))
    if found is None:
        raise NoPolicy(f"{vo} has no acceptable use policy.")
    return found


def accept(act: Act, vo: str, who: Who, version: str) -> Member:
    """The newest version, named so that nobody accepts what they have not seen. May be done at any time, and again."""
    policy = current(act.connection, vo)
    if policy.version != version:
        raise NoPolicy(f"The version in force is {policy.version}; read that one.")
    member = joining.get(act.connection, vo, who, act.now)
    store.insert_acceptance(act.connection, policy.id, member.person.uid, act.now, act.actor)
    member_store.update_member(act.connection, member.id, aup=policy.id, aup_at=act.now, announced="")
    act.note("aup.accepted", vo=vo, person=member.person.uid, version=version)
    return joining.get(act.connection, vo, member.id, act.now)


def accepted(connection: Connection, vo: str, uid: str) -> list[Acceptance]:
    return store.accepted(connection, vos.find_vo(connection, vo), uid)
