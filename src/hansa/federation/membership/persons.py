"""Persons: who they are, and what they prove it with."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from hansa.base.errors import BadRequest
from hansa.federation.membership.act import Act
from hansa.federation.membership.errors import AlreadyExists, CredentialTaken, NoSuchCredential, NoSuchPerson
from hansa.federation.membership.model import Credential, Details, KnownCredential, Person, Subject
from hansa.federation.membership.names import check_email, check_issuer, check_locale, check_login, one_line
from hansa.federation.membership.store import persons as store
from hansa.federation.membership.store import vos as vo_store

NAME_MAX = 200


def get(connection: Connection, uid: str) -> Person:
    """Raises NoSuchPerson."""
    found = store.by_uid(connection, uid)
    if found is None:
        raise NoSuchPerson("There is no such person.")
    return found


def create(act: Act, details: Details, credentials: Sequence[Credential | Subject] = ()) -> Person:
    """Raises AlreadyExists for a login, CredentialTaken for a credential of somebody else's."""
    details = checked(details)
    _login_is_free(act.connection, details.login)
    _sponsor_is_human(act.connection, details)
    uid = str(uuid.uuid4())
    number = store.insert(act.connection, uid, details)
    act.note("person.added", person=uid)
    for credential in credentials:
        add_credential(act, uid, credential)
    return store.by_id(act.connection, number)


def update(act: Act, uid: str, details: Details, expected: Callable[[Person], None] | None = None) -> Person:
    """`expected` is shown what is there and may raise. Raises AlreadyExists for a login that is somebody else's."""
    person, details = get(act.connection, uid), checked(details)
    if expected:
        expected(person)
    if details.login != person.login:
        _login_is_free(act.connection, details.login)
    _sponsor_is_human(act.connection, details)
    changed = sorted(name for name in Details.__dataclass_fields__ if getattr(person, name) != getattr(details, name))
    if changed:
        store.update(act.connection, person.id, details)
        _note_everywhere(act, person, "person.changed", fields=changed)
    return get(act.connection, uid)


def set_password(act: Act, uid: str, hashed: str | None) -> None:
    """None takes it away."""
    person = get(act.connection, uid)
    store.set_password(act.connection, person.id, hashed)
    act.note("password.set" if hashed else "password.unset", person=uid)


def erase(act: Act, uid: str) -> None:
    """All that is known of a person who is in no VO any more; the uid stays in the history and is not used again."""
    person = get(act.connection, uid)
    if vo_store.of_person(act.connection, person.id):
        raise AlreadyExists("The person is still a member; remove the memberships first.")
    if store.sponsored(act.connection, uid):
        raise AlreadyExists("The person answers for robots; give them another sponsor first.")
    store.delete(act.connection, person.id)
    act.note("person.erased", person=uid)


def add_credential(act: Act, uid: str, credential: Credential | Subject) -> KnownCredential:
    """One more; it serves in all the person's VOs. Raises CredentialTaken."""
    person = get(act.connection, uid)
    if isinstance(credential, Subject):
        check_issuer(credential.issuer)
        if not one_line(credential.subject, "subject", 500) == credential.subject:
            raise BadRequest("A subject is 1 to 500 printable characters.", field="subject")
    if store.of(act.connection, credential) is not None:
        raise CredentialTaken(f"{credential.subject} is registered already.")
    number = store.insert_credential(act.connection, person.id, credential, act.now)
    _note_everywhere(act, person, "credential.added", **told(credential))
    return KnownCredential(number, credential, act.now, None)


def remove_credential(act: Act, uid: str, number: int) -> None:
    """Raises NoSuchCredential."""
    person, known = _credential(act.connection, uid, number)
    store.delete_credential(act.connection, person.id, number)
    _note_everywhere(act, person, "credential.removed", **told(known.credential))


def suspend_credential(act: Act, uid: str, number: int, reason: str) -> KnownCredential:
    """Nothing is issued to it until it is restored; the person's other credentials go on."""
    reason = one_line(reason, "reason", 500)
    if not reason:
        raise BadRequest("A suspension needs a reason: the person will read it.", field="reason")
    person, known = _credential(act.connection, uid, number)
    store.suspend_credential(act.connection, number, reason)
    _note_everywhere(act, person, "credential.suspended", reason=reason, **told(known.credential))
    return replace(known, suspended=reason)


def restore_credential(act: Act, uid: str, number: int) -> KnownCredential:
    person, known = _credential(act.connection, uid, number)
    if known.suspended is not None:
        store.suspend_credential(act.connection, number, None)
        _note_everywhere(act, person, "credential.restored", **told(known.credential))
    return replace(known, suspended=None)


def told(credential: Credential | Subject) -> dict[str, str]:
    """A credential in the history: a certificate's names in RFC 4514 form."""
    subject, issuer = store.texts(credential)
    return {"kind": "x509" if isinstance(credential, Credential) else "subject", "subject": subject, "issuer": issuer}


def checked(details: Details) -> Details:
    """In the form that is kept. Raises BadRequest with the `field`."""
    name = one_line(details.name, "name", NAME_MAX)
    if not name:
        raise BadRequest("A person needs a name.", field="name")
    return replace(
        details,
        name=name,
        given_name=one_line(details.given_name, "given_name", NAME_MAX),
        family_name=one_line(details.family_name, "family_name", NAME_MAX),
        email=check_email(details.email),
        login=None if details.login is None else check_login(details.login),
        locale=check_locale(details.locale),
    )


def _credential(connection: Connection, uid: str, number: int) -> tuple[Person, KnownCredential]:
    person = get(connection, uid)
    found = next((each for each in store.known(connection, person.id) if each.id == number), None)
    if found is None:
        raise NoSuchCredential("The person has no such credential.")
    return person, found


def _login_is_free(connection: Connection, login: str | None) -> None:
    if login is not None and store.by_login(connection, login) is not None:
        raise AlreadyExists(f"The login {login} is taken; choose another.")


def _sponsor_is_human(connection: Connection, details: Details) -> None:
    if details.robot != (details.sponsor is not None):
        raise BadRequest("A robot needs a sponsor, a human who answers for it; humans have none.", field="sponsor")
    sponsor = store.by_uid(connection, details.sponsor) if details.sponsor else None
    if details.robot and (sponsor is None or sponsor.robot):
        raise BadRequest("The sponsor of a robot is a registered human.", field="sponsor")


def _note_everywhere(act: Act, person: Person, event: str, **details: object) -> None:
    """Once for each VO that the person is in, for those who follow one VO; once without a VO for a person in none."""
    for vo in (*vo_store.of_person(act.connection, person.id),) or (None,):
        act.note(event, vo=vo, person=person.uid, **details)
