"""What the rules of enrolment work with, and what several of them do: find, load, write to those who decide."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import Connection

from hansa.base.mail import Mailer
from hansa.federation.enrolment import letters, store
from hansa.federation.enrolment.errors import NoSuchApplication, NotYours
from hansa.federation.enrolment.model import Application, Kind, Link
from hansa.federation.enrolment.rules import Rules, parse_rules
from hansa.federation.enrolment.settings import EnrolmentSettings
from hansa.federation.identity.model import Caller
from hansa.federation.membership.act import Act
from hansa.federation.membership.model import GROUP_MANAGER, VO_ADMIN, Credential, Subject
from hansa.federation.membership.names import ancestors
from hansa.federation.membership.store.holders import holders

log = structlog.stdlib.get_logger(__name__)
CONFIRM_PATH = "/join/confirm"
DECLINE_PATH = "/join/decline"
LETTERS_EACH = 20
"""So many waiting applications are told to the deciders one by one; beyond that, every fiftieth."""
PERSONS = "urn:hansa:person"
"""The issuer noted for somebody who is known by their uid alone, such as in a browser's session."""


@dataclass(frozen=True, slots=True)
class Office:
    """`url`: root of the web interface. `new_token` makes the secret of a link: 256 random bits, URL-safe."""

    mail: Mailer
    url: str
    settings: EnrolmentSettings
    new_token: Callable[[], str]

    def link(self, path: str, token: str) -> str:
        """The secret stands in the query, which no access log shows."""
        return f"{self.url}{path}?code={token}"

    def add_link(self, act: Act, path: str, link: Link) -> str:
        """Keep a link's hash; gives its address."""
        token = self.new_token()
        store.insert_link(act.connection, token, link, act.now)
        return self.link(path, token)


def policy_page(office: Office, vo: str) -> str:
    """Where the acceptable use policy is read, and accepted."""
    return f"{office.url}/api/v1/vos/{vo}/aup"


def rules_of(connection: Connection, vo: str) -> Rules:
    """Those of the VO, or the defaults."""
    document = store.load_rules(connection, vo)
    return Rules() if document is None else parse_rules(document)


def days(number: float) -> timedelta:
    return timedelta(days=number)


def credential_of(caller: Caller) -> Credential | Subject:
    if caller.credential is not None:
        return caller.credential
    assert caller.person is not None  # identity lets nobody through who is neither
    return Subject(PERSONS, caller.person.uid)


def is_own(caller: Caller, application: Application) -> bool:
    """Whether the caller is the applicant: the same person, or the same credential."""
    same_person = caller.person is not None and caller.person.uid == application.person
    return same_person or caller.credential == application.credential


def may_decide(caller: Caller, application: Application) -> bool:
    """By office; that nobody decides on their own is for those to ask who let somebody decide."""
    if caller.operator or caller.is_vo_admin(application.vo):
        return True
    return application.kind is Kind.GROUP and caller.manages(application.group)


def get(connection: Connection, caller: Caller, number: int) -> Application:
    """One that the caller may see. Raises NoSuchApplication for others' as well: numbers tell nothing."""
    found = store.find(connection, number)
    if found is None or not (is_own(caller, found) or may_decide(caller, found)):
        raise NoSuchApplication(f"There is no application {number} that you may see.")
    return found


def get_to_decide(connection: Connection, caller: Caller, number: int) -> Application:
    """One that the caller may decide on. Raises NoSuchApplication, NotYours."""
    found = get(connection, caller, number)
    if is_own(caller, found):
        raise NotYours("Nobody decides on an application of their own; ask another administrator of the VO.")
    if not may_decide(caller, found):
        raise NotYours("Only the VO's administrators decide, and a group's managers on those who want to be in it.")
    return found


def tell_deciders(act: Act, office: Office, application: Application) -> None:
    if not _is_worth_telling(act.connection, application):
        return
    vo = application.vo
    people = {each.uid: each for each in holders(act.connection, vo, VO_ADMIN, [f"/{vo}"], act.now)}
    if application.kind is Kind.GROUP:
        paths = [*ancestors(application.group), application.group]
        people |= {each.uid: each for each in holders(act.connection, vo, GROUP_MANAGER, paths, act.now)}
    if not people:
        log.warning("enrolment.nobody_decides", vo=vo, application=application.id)
    page = f"{office.url}/api/v1/applications/{application.id}"
    for person in people.values():
        if person.email and person.uid != application.person:
            reader = letters.Reader.person(person)
            office.mail.queue(act.connection, letters.to_decide(application, reader, page))


def _is_worth_telling(connection: Connection, application: Application) -> bool:
    """A flood of applications is no flood of letters."""
    return store.waiting(connection, application.vo, LETTERS_EACH + 1) <= LETTERS_EACH or application.id % 50 == 0
