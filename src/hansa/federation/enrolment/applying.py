"""The applicant's side: apply, prove the address, ask for another letter, withdraw."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from hansa.base.mail import check_address
from hansa.federation.enrolment import deciding, letters, store
from hansa.federation.enrolment.errors import (
    AlreadyApplied,
    FormInvalid,
    LinkExpired,
    LinkInvalid,
    NoRenewal,
    NoSuchApplication,
    NotNow,
    NotYours,
    TooOften,
)
from hansa.federation.enrolment.form import Filled
from hansa.federation.enrolment.model import Application, Kind, Link, Purpose, State, Step, after
from hansa.federation.enrolment.office import (
    CONFIRM_PATH,
    Office,
    credential_of,
    days,
    get,
    is_own,
    rules_of,
    tell_deciders,
)
from hansa.federation.enrolment.rules import Rules, issuer_text
from hansa.federation.identity.model import Caller
from hansa.federation.membership import persons
from hansa.federation.membership.act import Act
from hansa.federation.membership.errors import AlreadyExists, NoSuchMember
from hansa.federation.membership.model import MemberState, Policy
from hansa.federation.membership.names import check_group
from hansa.federation.membership.store import persons as person_store
from hansa.federation.membership.store import policies
from hansa.federation.membership.vos import find_group, find_vo

DAY = timedelta(days=1)


def kind_of(caller: Caller, vo: str, group: str, *, renewal: bool) -> Kind:
    """What somebody can apply for. Raises InvalidName, AlreadyExists, NoSuchMember, NoRenewal."""
    if group:
        check_group(vo, group)
    held = next((each for each in caller.held if each.vo == vo), None)
    if renewal:
        if held is None:
            raise NoSuchMember(f"You are not a member of {vo}; apply for membership.")
        if held.until is None:
            raise NoRenewal(f"Your membership of {vo} has no end.")
        if held.state is MemberState.SUSPENDED:
            raise NoRenewal(f"Your membership of {vo} is suspended: {held.reason}")
        return Kind.EXTENSION
    if group:
        if held is None or not held.current:
            raise NoSuchMember(f"Only current members of {vo} can join its groups; apply for membership first.")
        if group in held.groups:
            raise AlreadyExists(f"You are in {group} already.")
        return Kind.GROUP
    if held is not None:
        raise AlreadyExists(f"You are a member of {vo} already.")
    return Kind.INITIAL


def check_place(act: Act, caller: Caller, vo: str, group: str, kind: Kind, rules: Rules) -> None:
    """The VO and the group are there, nothing of the kind is open. Raises NoSuchVo, NoSuchGroup, AlreadyApplied, NoRenewal."""
    number = find_vo(act.connection, vo)
    if group:
        find_group(act.connection, number, group)
    uid = caller.person.uid if caller.person else None
    earlier = store.open_of(act.connection, vo, group, credential_of(caller), uid)
    if earlier is not None:
        raise AlreadyApplied(f"Your application {earlier} is open; wait, or withdraw it.", application=earlier)
    until = next((each.until for each in caller.held if each.vo == vo), None)
    if kind is Kind.EXTENSION and until and until - act.now > days(rules.renewal_days):
        raise NoRenewal(f"It is too early: renewal begins {rules.renewal_days} days before the end, {until:%Y-%m-%d}.")


def policy_for(connection: Connection, vo: str, kind: Kind) -> Policy | None:
    """What has to be accepted with such an application."""
    return None if kind is Kind.GROUP else policies.newest(connection, find_vo(connection, vo))


def check_aup(act: Act, vo: str, kind: Kind, version: str) -> str | None:
    """The version in force, if that is what was accepted; None where there is none to accept. Raises FormInvalid."""
    policy = policy_for(act.connection, vo, kind)
    if policy is None:
        return None
    if version != policy.version:
        sentence = f"Read the acceptable use policy, version {policy.version}, and accept it."
        raise FormInvalid(f"aup: {sentence}", fields={"aup": sentence})
    return policy.version


def apply(
    act: Act, office: Office, caller: Caller, vo: str, group: str, kind: Kind, filled: Filled, *,
    password: str | None, aup: str | None
) -> Application:  # fmt: skip
    """`password`: its hash. What is known to be the applicant's address needs no letter."""
    rules = rules_of(act.connection, vo)
    check_place(act, caller, vo, group, kind, rules)
    credential = credential_of(caller)
    if store.since(act.connection, credential, act.now - DAY) >= office.settings.applications_per_day:
        raise TooOften("You have applied too often today; try again tomorrow.")
    if filled.login:
        login_is_free(act, filled.login)
    person = caller.person
    is_proved = person is not None and person.email_verified and person.email == filled.email
    wait = rules.decide_days if is_proved else rules.confirm_days
    application = Application(
        id=0,
        vo=vo,
        kind=kind,
        group=group,
        state=State.MAIL_VERIFIED if is_proved else State.SUBMITTED,
        person=person.uid if person else None,
        credential=credential,
        given_name=filled.given_name,
        surname=filled.surname,
        email=filled.email,
        motivation=filled.motivation,
        login=filled.login,
        locale=filled.locale,
        aup=aup,
        answers=filled.answers,
        submitted=act.now,
        changed=act.now,
        expires=act.now + days(wait),
        decided_by="",
        reason="",
        same_as=None,
    )
    application = store.insert(act.connection, application, password)
    if is_proved:
        return _proved(act, office, application, rules)
    _mail_link(act, office, application)
    return application


def resend(act: Act, office: Office, caller: Caller, number: int, email: str | None) -> Application:
    """Another letter, to another address if one is given; earlier links no longer serve. Raises NotNow, TooOften."""
    application = _own(act, caller, number)
    if application.state is not State.SUBMITTED:
        raise NotNow("The address is confirmed already.", state=application.state.value)
    count, last = store.latest_letter(act.connection, number)
    pause = timedelta(seconds=office.settings.letter_pause)
    if count >= office.settings.letters:
        raise TooOften("No more letters for this application; withdraw it and apply again.")
    if last and act.now - last < pause:
        raise TooOften(f"A letter was sent less than {office.settings.letter_pause:g} seconds ago; look for it first.")
    store.end_links(act.connection, number, act.now)
    if email is not None:
        store.update(act.connection, number, email=check_address(email))
    expires = act.now + days(rules_of(act.connection, application.vo).confirm_days)
    application = store.move(act.connection, number, State.SUBMITTED, act.now, expires=expires)
    _mail_link(act, office, application)
    return application


def look(act: Act, token: str, purpose: Purpose) -> Link:
    """A link that is good still. Raises LinkInvalid, LinkExpired."""
    link = store.find_link(act.connection, token)
    if link is None or link.purpose is not purpose:
        raise LinkInvalid("There is no such link; copy it from the message whole.")
    if link.used:
        raise LinkExpired("This link was used already; there is nothing left to do.", used=True)
    if link.expires <= act.now:
        raise LinkExpired("This link is too old, or a later letter has replaced it.", used=False)
    return link


def confirm(act: Act, office: Office, token: str) -> Application:
    """Whoever follows the link has the mailbox. Raises LinkInvalid, LinkExpired, NotNow."""
    link = look(act, token, Purpose.CONFIRM)
    assert link.application is not None
    application = store.load(act.connection, link.application)
    if application.email != link.email:
        raise LinkExpired("This link was for another address.", used=False)
    state = after(application.state, Step.VERIFY)
    store.use_link(act.connection, token, act.now)
    rules = rules_of(act.connection, application.vo)
    same_as = _same_as(act, application)
    expires = act.now + days(rules.decide_days)
    application = store.move(act.connection, application.id, state, act.now, expires=expires, same_as=same_as)
    return _proved(act, office, application, rules)


def withdraw(act: Act, caller: Caller, number: int) -> Application:
    application = _own(act, caller, number)
    state = after(application.state, Step.WITHDRAW)
    store.end_links(act.connection, number, act.now)
    return store.move(act.connection, number, state, act.now, decided_by=caller.actor)


def link_person(act: Act, caller: Caller, number: int) -> Application:
    """Somebody whom the registry knows says, with a known credential, that the application is theirs: its credential becomes one
    of their own. They share a proved address. Raises NoSuchApplication, NotNow, CredentialTaken."""
    application = store.find(act.connection, number)
    person = caller.person
    if application is None or person is None or application.same_as != person.uid:
        raise NoSuchApplication(f"There is no application {number} that could be yours.")
    if caller.credential == application.credential:
        raise NotYours("Show the credential that you were known by before.")
    if not application.state.is_open:
        raise NotNow("The application is closed.", state=application.state.value)
    persons.add_credential(act, person.uid, application.credential)
    if any(each.vo == application.vo for each in caller.held):
        return store.move(
            act.connection,
            number,
            State.WITHDRAWN,
            act.now,
            decided_by=caller.actor,
            reason="linked",
            person=person.uid,
        )
    values = {
        "person": person.uid,
        "same_as": None,
        "open_key": store.hashed(application.vo, application.group, person.uid),
    }
    return store.move(act.connection, number, application.state, act.now, **values)


def _proved(act: Act, office: Office, application: Application, rules: Rules) -> Application:
    """The address is the applicant's: let them in, or let somebody decide."""
    held = application.credential
    issuer = issuer_text(held.issuer)
    if application.kind is Kind.INITIAL and rules.auto_approve.covers(application.email, issuer):
        return deciding.enact(replace(act, actor=deciding.RULE), office, application)
    office.mail.queue(act.connection, letters.received(application))
    tell_deciders(act, office, application)
    return application


def _mail_link(act: Act, office: Office, application: Application) -> None:
    if store.letters_to(act.connection, application.email, act.now - DAY) >= office.settings.letters_per_day:
        raise TooOften("Too many letters went to this address today; try again tomorrow.", field="email")
    link = Link(Purpose.CONFIRM, application.vo, application.email, application.expires, None, application.id)
    address = office.add_link(act, CONFIRM_PATH, link)
    office.mail.queue(act.connection, letters.confirm(application, address, application.expires))


def _same_as(act: Act, application: Application) -> str | None:
    """Another person who has proved the same address."""
    found = person_store.by_verified_email(act.connection, application.email)
    return next((each.uid for each in found if each.uid != application.person), None)


def login_is_free(act: Act, login: str) -> None:
    """Raises FormInvalid."""
    if person_store.by_login(act.connection, login) or store.claims(act.connection, login) is not None:
        sentence = "This login is taken; choose another."
        raise FormInvalid(f"login: {sentence}", fields={"login": sentence})


def _own(act: Act, caller: Caller, number: int) -> Application:
    """Raises NoSuchApplication, NotYours."""
    application = get(act.connection, caller, number)
    if not is_own(caller, application):
        raise NotYours("Only the applicant can do that.")
    return application
