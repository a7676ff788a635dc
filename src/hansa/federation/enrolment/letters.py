"""What people are written, each in their language. Lines of what others wrote are quoted, so that nobody speaks in our name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hansa.base.i18n import Translate, best_language, translator
from hansa.base.mail import Message
from hansa.federation.enrolment.model import Application, Kind
from hansa.federation.membership.model import Credential, Person, Subject

MOTIVATION_SHOWN = 1000


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a letter goes to."""

    email: str
    name: str
    locale: str

    @classmethod
    def applicant(cls, application: Application) -> "Reader":
        return cls(application.email, application.name, application.locale)

    @classmethod
    def person(cls, person: Person) -> "Reader":
        return cls(person.email, person.name, person.locale)


def confirm(application: Application, link: str, until: datetime) -> Message:
    """To whoever an applicant says they are: prove it. It holds nothing that the applicant wrote, or it could say anything."""
    reader = Reader(application.email, "", application.locale)
    _ = translator(best_language(reader.locale))
    subject = _("Confirm your e-mail address for {vo}").format(vo=application.vo)
    paragraphs = [
        _("Somebody, probably you, has applied for membership of {vo} with this address:").format(vo=application.vo),
        who(application.credential),
        _("If it was you, open this page and confirm, before {date:%Y-%m-%d %H:%M} UTC:").format(date=until),
        link,
        _("If it was not you, do nothing: without your confirmation the application expires."),
    ]
    return _message(reader, _, "enrolment.confirm", subject, paragraphs)


def received(application: Application) -> Message:
    """To the applicant: it is with the managers now."""
    reader = Reader.applicant(application)
    _ = translator(best_language(reader.locale))
    subject = _("Your application for {vo} was received").format(vo=application.vo)
    paragraphs = [
        _about(application, _),
        _("Please wait until your application is either approved or rejected by the administrators of the VO."),
        _("You will be written to at this address."),
    ]
    return _message(reader, _, "enrolment.received", subject, paragraphs)


def to_decide(application: Application, reader: Reader, page: str) -> Message:
    """To those who decide."""
    _ = translator(best_language(reader.locale))
    subject = _("{vo}: application {number} waits for your decision").format(vo=application.vo, number=application.id)
    shown = application.motivation[:MOTIVATION_SHOWN]
    command = f"hansa vo applications show {application.id}"
    paragraphs = [
        _about(application, _),
        _("Name: {name}").format(name=application.name) + "\n" + _("E-mail: {email}").format(email=application.email),
        who(application.credential),
        _quoted(shown) if shown else "",
        _("Another person is known by the same address: ask whether they are the same.") if application.same_as else "",
        _("Look at it and decide:"),
        f"{command}\n{page}",
    ]
    return _message(reader, _, "enrolment.to_decide", subject, paragraphs)


def approved(application: Application, until: datetime | None) -> Message:
    reader = Reader.applicant(application)
    _ = translator(best_language(reader.locale))
    subject = _("Your application for {vo} was approved").format(vo=application.vo)
    paragraphs = [_about(application, _)]
    if application.kind is Kind.GROUP:
        paragraphs.append(_("You are now in the group {group}.").format(group=application.group))
    else:
        paragraphs.append(_("You are a member of {vo}.").format(vo=application.vo))
    if until:
        paragraphs.append(_("The membership lasts until {date:%Y-%m-%d}; you will be reminded.").format(date=until))
    if isinstance(application.credential, Credential):
        paragraphs += [_("To use it, make a proxy:"), f"voms-proxy-init --voms {application.vo}"]
    return _message(reader, _, "enrolment.approved", subject, paragraphs)


def rejected(application: Application) -> Message:
    reader = Reader.applicant(application)
    _ = translator(best_language(reader.locale))
    subject = _("Your application for {vo} was rejected").format(vo=application.vo)
    paragraphs = [
        _about(application, _),
        _("It was rejected. The reason that was given:"),
        _quoted(application.reason),
        _("You may apply again when that has changed."),
    ]
    return _message(reader, _, "enrolment.rejected", subject, paragraphs)


def expired(application: Application, *, was_confirmed: bool) -> Message:
    reader = Reader.applicant(application)
    _ = translator(best_language(reader.locale))
    subject = _("Your application for {vo} has expired").format(vo=application.vo)
    why = (
        _("Nobody decided on it in time; you may apply again, or ask the administrators of the VO.")
        if was_confirmed
        else _("The e-mail address was not confirmed in time; you may apply again.")
    )
    return _message(reader, _, "enrolment.expired", subject, [_about(application, _), why])


def renew(person: Person, vo: str, until: datetime, days: int, decline: str) -> Message:
    """A membership ends soon; `decline` is the link by which somebody says that it may."""
    reader = Reader.person(person)
    _ = translator(best_language(reader.locale))
    subject = _("Your membership of {vo} ends in {days} days").format(vo=vo, days=days)
    if days == 1:
        subject = _("Your membership of {vo} ends tomorrow").format(vo=vo)
    paragraphs = [
        _("Your membership of {vo} ends on {date:%Y-%m-%d %H:%M} UTC. To go on, renew it:").format(vo=vo, date=until),
        f"hansa vo renew {vo}",
        _("If you do not want to renew it, say so here and you will not be reminded again:"),
        decline,
    ]
    return _message(reader, _, "enrolment.renew", subject, paragraphs)


def grace(person: Person, vo: str, ends: datetime) -> Message:
    """The end has passed, and the VO gives some days more."""
    reader = Reader.person(person)
    _ = translator(best_language(reader.locale))
    subject = _("Your membership of {vo} has ended: last days to renew it").format(vo=vo)
    paragraphs = [
        _("Your membership of {vo} has ended. It still works until {date:%Y-%m-%d %H:%M} UTC.").format(
            vo=vo, date=ends
        ),
        _("To go on, renew it:"),
        f"hansa vo renew {vo}",
    ]
    return _message(reader, _, "enrolment.grace", subject, paragraphs)


def ended(person: Person, vo: str, removal: datetime | None) -> Message:
    """Nothing is issued any more."""
    reader = Reader.person(person)
    _ = translator(best_language(reader.locale))
    subject = _("Your membership of {vo} has ended").format(vo=vo)
    paragraphs = [_("Your membership of {vo} has ended; you get no more proxies or tokens of it.").format(vo=vo)]
    if removal:
        paragraphs.append(
            _("Until {date:%Y-%m-%d} you may still renew it, and keep your groups and roles:").format(date=removal)
        )
    else:
        paragraphs.append(_("You may still renew it, and keep your groups and roles:"))
    paragraphs += [f"hansa vo renew {vo}", _("Sites may remove what is yours after their own time of grace.")]
    return _message(reader, _, "enrolment.ended", subject, paragraphs)


def removed(person: Person, vo: str, *, by_time: bool) -> Message:
    reader = Reader.person(person)
    _ = translator(best_language(reader.locale))
    subject = _("You are no longer a member of {vo}").format(vo=vo)
    why = (
        _("Your membership of {vo} had ended and was not renewed. You may apply again.")
        if by_time
        else _("You were removed from {vo}. If you do not know why, ask the administrators of the VO.")
    )
    return _message(reader, _, "enrolment.removed", subject, [why.format(vo=vo)])


def suspended(person: Person, vo: str, reason: str) -> Message:
    reader = Reader.person(person)
    _ = translator(best_language(reader.locale))
    subject = _("Your membership of {vo} is suspended").format(vo=vo)
    paragraphs = [
        _("You get no proxies or tokens of {vo} until the suspension ends. The reason that was given:").format(vo=vo),
        _quoted(reason),
        _("If you do not understand it, ask the administrators of the VO."),
    ]
    return _message(reader, _, "enrolment.suspended", subject, paragraphs)


def restored(person: Person, vo: str) -> Message:
    reader = Reader.person(person)
    _ = translator(best_language(reader.locale))
    subject = _("Your membership of {vo} is no longer suspended").format(vo=vo)
    return _message(reader, _, "enrolment.restored", subject, [_("You get proxies and tokens of it again.")])


def accept(person: Person, vo: str, version: str, due: datetime, page: str) -> Message:
    """A policy waits for acceptance."""
    reader = Reader.person(person)
    _ = translator(best_language(reader.locale))
    subject = _("{vo}: please accept the acceptable use policy").format(vo=vo)
    paragraphs = [
        _("Version {version} of the acceptable use policy of {vo} waits for you.").format(version=version, vo=vo),
        _("Read it, and accept it before {date:%Y-%m-%d %H:%M} UTC:").format(date=due),
        f"{page}\nhansa vo aup accept {vo}",
        _("If you do not, you get no proxies or tokens of {vo} from then on until you do.").format(vo=vo),
    ]
    return _message(reader, _, "enrolment.accept", subject, paragraphs)


def overdue(person: Person, vo: str, page: str) -> Message:
    """A policy was not accepted in time."""
    reader = Reader.person(person)
    _ = translator(best_language(reader.locale))
    subject = _("{vo}: you have not accepted the acceptable use policy").format(vo=vo)
    paragraphs = [
        _("You get no proxies or tokens of {vo} until you accept it:").format(vo=vo),
        f"{page}\nhansa vo aup accept {vo}",
    ]
    return _message(reader, _, "enrolment.overdue", subject, paragraphs)


def who(credential: Credential | Subject) -> str:
    """A credential for people."""
    if isinstance(credential, Credential):
        return f"{credential.subject.slash()}\n({credential.issuer.slash()})"
    return f"{credential.subject}\n({credential.issuer})"


def _about(application: Application, _: Translate) -> str:
    match application.kind:
        case Kind.EXTENSION:
            return _("Application {number}: renewal of a membership of {vo}.").format(
                number=application.id, vo=application.vo
            )
        case Kind.GROUP:
            return _("Application {number}: the group {group}.").format(number=application.id, group=application.group)
    return _("Application {number}: membership of {vo}.").format(number=application.id, vo=application.vo)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.split("\n"))


def _message(reader: Reader, _: Translate, about: str, subject: str, paragraphs: Sequence[str]) -> Message:
    greeting = _("Dear {name},").format(name=reader.name) if reader.name else _("Hello,")
    closing = _("This message was written by a program; answers to it may not be read.")
    text = "\n\n".join(filter(None, (greeting, *paragraphs, closing))) + "\n"
    return Message(reader.email, subject, text, reader.name, best_language(reader.locale), about)
