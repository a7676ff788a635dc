"""The managers' side: approve and reject; what an approval does to the registry."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from hansa.base.errors import BadRequest
from hansa.federation.enrolment import letters, store
from hansa.federation.enrolment.model import Application, Kind, Step, after
from hansa.federation.enrolment.office import Office, get_to_decide
from hansa.federation.identity.model import Caller
from hansa.federation.membership import joining, persons, policies
from hansa.federation.membership.act import Act
from hansa.federation.membership.errors import NoPolicy
from hansa.federation.membership.model import Details, Person
from hansa.federation.membership.names import one_line
from hansa.federation.membership.store import persons as person_store

RULE = "rule"
"""Who decided where a VO's rules did."""
REASON_MAX = 1000


def approve(act: Act, office: Office, caller: Caller, number: int) -> Application:
    """Raises NoSuchApplication, NotYours, NotNow; AlreadyExists if the applicant became a member otherwise."""
    application = get_to_decide(act.connection, caller, number)
    return enact(act, office, application)


def reject(act: Act, office: Office, caller: Caller, number: int, reason: str) -> Application:
    """The applicant reads the reason."""
    reason = one_line(reason, "reason", REASON_MAX)
    if not reason:
        raise BadRequest("A rejection needs a reason: the applicant will read it.", field="reason")
    application = get_to_decide(act.connection, caller, number)
    state = after(application.state, Step.REJECT)
    store.end_links(act.connection, number, act.now)
    application = store.move(act.connection, number, state, act.now, decided_by=act.actor, reason=reason)
    office.mail.queue(act.connection, letters.rejected(application))
    return application


def enact(act: Act, office: Office, application: Application) -> Application:
    """Approve, whoever decided. The person, the membership and the letter are one transaction."""
    state = after(application.state, Step.APPROVE)
    until: datetime | None = None
    match application.kind:
        case Kind.INITIAL:
            person = _person(act, application)
            until = joining.admit(act, application.vo, person.uid).until
            _accept(act, application, person)
        case Kind.EXTENSION:
            person = persons.get(act.connection, application.person or "")
            until = _extend(act, application, person)
            _accept(act, application, person)
        case Kind.GROUP:
            person = persons.get(act.connection, application.person or "")
            joining.join(act, application.vo, person.uid, application.group)
    application = store.move(act.connection, application.id, state, act.now, decided_by=act.actor, person=person.uid)
    office.mail.queue(act.connection, letters.approved(application, until))
    return application


def _accept(act: Act, application: Application, person: Person) -> None:
    """What the form said they accept; if that is no longer in force, the registry asks them."""
    if application.aup:
        with suppress(NoPolicy):
            policies.accept(replace(act, actor=person.uid), application.vo, person.uid, application.aup)


def _extend(act: Act, application: Application, person: Person) -> datetime | None:
    """From the end, or from now if that is past."""
    member = joining.get(act.connection, application.vo, person.uid, act.now)
    until = joining.default_end(act.connection, application.vo, max(member.until or act.now, act.now))
    joining.set_until(act, application.vo, person.uid, until)
    if application.email != person.email or not person.email_verified:
        persons.update(act, person.uid, replace(_details(person), email=application.email, email_verified=True))
    return until


def _person(act: Act, application: Application) -> Person:
    """The applicant in the registry; whom the credential names is the same person, whatever the form says."""
    known = person_store.of(act.connection, application.credential)
    if known is None and application.person:
        known = persons.get(act.connection, application.person)
    login = application.login
    if login and person_store.by_login(act.connection, login):
        login = None  # taken since then otherwise than by an application; they can choose another later
    if known is None:
        details = Details(
            application.name,
            given_name=application.given_name,
            family_name=application.surname,
            email=application.email,
            email_verified=True,
            login=login,
            locale=application.locale,
        )
        known = persons.create(act, details, [application.credential])
    else:
        details = replace(_details(known), email=application.email, email_verified=True)
        if known.login is None:
            details = replace(details, login=login)
        known = persons.update(act, known.uid, details)
    if (hashed := store.password(act.connection, application.id)) and known.login == application.login:
        persons.set_password(act, known.uid, hashed)
    return known


def _details(person: Person) -> Details:
    return Details(**{name: getattr(person, name) for name in Details.__dataclass_fields__})
