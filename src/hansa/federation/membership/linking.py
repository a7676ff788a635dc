"""Another credential for a person who proves both: the one asks for a token, the other redeems it."""

import hashlib
from datetime import timedelta

from hansa.federation.membership import persons
from hansa.federation.membership.act import Act
from hansa.federation.membership.errors import LinkRefused
from hansa.federation.membership.model import Credential, KnownCredential, Subject
from hansa.federation.membership.store import links as store
from hansa.federation.membership.store import persons as person_store

LIFETIME = timedelta(minutes=15)


def offer(act: Act, uid: str, token: str) -> None:
    """Remember a random token of the caller's making for the person; the person's earlier one ends."""
    person = persons.get(act.connection, uid)
    store.insert(act.connection, _digest(token), person.id, act.now + LIFETIME, act.now)
    act.note("credential.link.offered", person=uid)


def redeem(act: Act, token: str, credential: Credential | Subject) -> KnownCredential:
    """The proved credential joins the person whose token it is. Raises LinkRefused, CredentialTaken."""
    number = store.take(act.connection, _digest(token), act.now)
    if number is None:
        raise LinkRefused("This link is unknown, used or older than 15 minutes; ask for a new one.")
    uid = person_store.by_id(act.connection, number).uid
    return persons.add_credential(Act(act.connection, act.now, uid), uid, credential)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
