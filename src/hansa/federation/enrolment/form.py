"""The form's own rules: what each field must be. Whether a login is free and an AUP current is the service's business."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hansa.base.errors import BadRequest
from hansa.base.i18n import best_language
from hansa.base.mail import check_address
from hansa.base.passwords import PASSWORD_MAX
from hansa.federation.enrolment.errors import FormInvalid
from hansa.federation.enrolment.model import Draft, Kind
from hansa.federation.enrolment.rules import Question, QuestionKind, Rules
from hansa.federation.membership.names import check_login, one_line

NAME_MAX = 100
TEXT_MAX = 4000
LINE_MAX = 500
PASSWORD_MIN = 8
RECOMMENDED_LOGIN = 8
_ODD = re.compile(r"[^A-Za-z]")


@dataclass(frozen=True, slots=True)
class Filled:
    """A form without mistakes. `warnings`: field → sentence."""

    given_name: str
    surname: str
    email: str
    motivation: str
    login: str | None
    password: str | None = field(repr=False)
    locale: str
    answers: Mapping[str, str]
    warnings: Mapping[str, str]


def check(draft: Draft, kind: Kind, rules: Rules, *, asks_login: bool) -> Filled:
    """Raises FormInvalid with a sentence for every field that is wrong. `asks_login`: the person has none yet."""
    wrong: dict[str, str] = {}

    def take(name: str, rule: Callable[[], str]) -> str:
        try:
            return rule()
        except BadRequest as error:
            wrong[name] = error.message
            return ""

    initial = kind is Kind.INITIAL
    given = take("given_name", lambda: _name(draft.given_name, "given_name"))
    surname = take("surname", lambda: _name(draft.surname, "surname"))
    email = take("email", lambda: check_address(draft.email))
    motivation = take("motivation", lambda: _text(draft.motivation, required=kind is not Kind.EXTENSION))
    login = take("login", lambda: _login(draft.login)) if asks_login and (draft.login or initial) else ""
    password = take("password", lambda: _password(draft.password)) if draft.password and asks_login else ""
    questions = rules.questions if initial else ()
    answers = {each.key: take(each.key, lambda q=each: _answer(q, draft.answers)) for each in questions}  # type: ignore[misc]
    for key in draft.answers.keys() - answers.keys():
        wrong[key[:40]] = "The form has no such question."
    if wrong:
        raise FormInvalid(_summary(wrong), fields=wrong)
    return Filled(
        given,
        surname,
        email,
        motivation,
        login or None,
        password or None,
        best_language(draft.locale),
        {key: text for key, text in answers.items() if text},
        _warnings(login),
    )


def _summary(wrong: Mapping[str, str]) -> str:
    name, sentence = next(iter(wrong.items()))
    others = f" ({len(wrong) - 1} more fields are wrong)" if len(wrong) > 1 else ""
    return f"{name}: {sentence}{others}"


def _warnings(login: str) -> Mapping[str, str]:
    if len(login) <= RECOMMENDED_LOGIN:
        return {}
    return {"login": f"Some systems take {RECOMMENDED_LOGIN} characters at most."}


def _name(text: str, field_name: str) -> str:
    name = one_line(text, field_name, NAME_MAX)
    if not any(unicodedata.category(c).startswith("L") for c in name):
        raise BadRequest("This field needs a name.", field=field_name)
    return name


def _text(text: str, *, required: bool) -> str:
    """Several lines."""
    clean = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    if len(clean) > TEXT_MAX:
        raise BadRequest(f"At most {TEXT_MAX} characters, please.")
    for line in clean.split("\n"):
        one_line(line.replace("\t", " "), "motivation", TEXT_MAX)
    if required and not clean:
        raise BadRequest("Please write something here.")
    return clean


def _login(login: str) -> str:
    return check_login(login)


def _password(password: str) -> str:
    if len(password) < PASSWORD_MIN or not _ODD.search(password):
        raise BadRequest("At least 8 characters with at least one number or special character.")
    if len(password.encode("utf-8", "surrogatepass")) > PASSWORD_MAX:
        raise BadRequest(f"At most {PASSWORD_MAX} bytes.")
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in password):
        raise BadRequest("No control characters, please.")
    return unicodedata.normalize("NFC", password)


def _answer(question: Question, answers: Mapping[str, str]) -> str:
    given = answers.get(question.key, "")
    many_lines = question.kind is QuestionKind.TEXT
    answer = _text(given, required=False) if many_lines else one_line(given, question.key, LINE_MAX)
    if not answer:
        if question.required:
            raise BadRequest("This question needs an answer.")
        return ""
    if question.kind is QuestionKind.CHOICE and answer not in question.choices:
        raise BadRequest("Please take one of the choices.")
    if question.kind is QuestionKind.YES and answer not in {"yes", "no"}:
        raise BadRequest("Please say yes or no.")
    if question.kind is QuestionKind.YES and question.required and answer != "yes":
        raise BadRequest("This needs your yes.")
    if not question.matches(answer):
        raise BadRequest("The answer does not have the form that is asked for.")
    return answer
