"""Applications and forms as JSON."""

from collections.abc import Mapping
from typing import Any

from hansa.base.i18n import Translate
from hansa.federation.enrolment.model import Application, Kind, State
from hansa.federation.enrolment.office import is_own
from hansa.federation.enrolment.rules import Rules
from hansa.federation.identity.model import Caller
from hansa.federation.membership.model import Credential, Policy, Subject


def application(found: Application, caller: Caller, _: Translate) -> dict[str, Any]:
    """`messages` say in the reader's language what comes next. `same_as` is for those who decide, and for the person it names."""
    shown: dict[str, Any] = {
        "id": found.id,
        "vo": found.vo,
        "kind": found.kind.value,
        "group": found.group or None,
        "state": found.state.value,
        "applicant": credential(found.credential),
        "person": found.person,
        "given_name": found.given_name,
        "surname": found.surname,
        "email": found.email,
        "email_verified": found.state is not State.SUBMITTED,
        "motivation": found.motivation,
        "login": found.login,
        "locale": found.locale,
        "aup": found.aup,
        "answers": dict(found.answers),
        "submitted": found.submitted.isoformat(),
        "changed": found.changed.isoformat(),
        "expires": found.expires.isoformat() if found.state.is_open else None,
        "decided_by": found.decided_by or None,
        "reason": found.reason or None,
        "messages": messages(found, _),
    }
    if found.same_as and not is_own(caller, found):
        shown["same_as"] = found.same_as
    return shown


def messages(found: Application, _: Translate) -> list[str]:
    """What the applicant reads: what happened, and what to wait for."""
    match found.state:
        case State.SUBMITTED:
            return [
                _("You have provided an unverified e-mail address; please follow the link in the message sent to you."),
                _("Please wait until your application is either approved or rejected by the VO administrator."),
            ]
        case State.MAIL_VERIFIED:
            said = [_("Please wait until your application is either approved or rejected by the VO administrator.")]
            if found.same_as:
                said.insert(0, _same(found, _))
            return said
        case State.APPROVED:
            return [_("Your application was approved.")]
        case State.REJECTED:
            return [_("Your application was rejected: {reason}").format(reason=found.reason)]
        case State.WITHDRAWN:
            return [_("The application was withdrawn.")]
    return [_("The application has expired; you may apply again.")]


def _same(found: Application, _: Translate) -> str:
    text = _(
        "Somebody is known by this address already. If that is you, show the credential you used then and link both: {how}"
    )
    return text.format(how=f"hansa vo applications link {found.id}")


def form(vo: str, rules: Rules, policy: Policy | None, caller: Caller, kind: Kind) -> dict[str, Any]:
    """The fields that there are to fill in, and what is known of the caller."""
    person = caller.person
    asks_login = kind is Kind.INITIAL and rules.login and not (person and person.login)
    questions = rules.questions if kind is Kind.INITIAL else ()
    known: Mapping[str, str] = {
        "given_name": person.given_name if person else "",
        "surname": person.family_name if person else "",
        "email": person.email if person else "",
    }
    return {
        "vo": vo,
        "kind": kind.value,
        "information": rules.information or None,
        "applicant": credential(caller.credential) if caller.credential else None,
        "known": {name: value for name, value in known.items() if value},
        "email_verified": bool(person and person.email_verified),
        "asks_login": asks_login,
        "aup": {"version": policy.version, "text": policy.text, "url": policy.url} if policy else None,
        "questions": [each.model_dump(mode="json") for each in questions],
    }


def credential(held: Credential | Subject) -> dict[str, str]:
    if isinstance(held, Credential):
        return {"kind": "x509", "subject": held.subject.slash(), "issuer": held.issuer.slash()}
    return {"kind": "subject", "subject": held.subject, "issuer": held.issuer}
