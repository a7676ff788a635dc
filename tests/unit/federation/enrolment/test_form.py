"""The form's and the rules' own rules: every field, good and bad."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.enrolment import DRAFT

from hansa.federation.enrolment.errors import FormInvalid, RulesInvalid
from hansa.federation.enrolment.form import check
from hansa.federation.enrolment.model import Draft, Kind
from hansa.federation.enrolment.rules import Question, Rules, parse_rules

RULES = Rules(
    questions=(
        Question(key="orcid", label="ORCID", pattern=r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]"),
        Question(key="field", label="Field of science", kind="choice", choices=("physics", "biology"), required=True),
        Question(key="train", label="I have read the manual", kind="yes", required=True),
        Question(key="more", label="Anything else?", kind="text"),
    )
)
ANSWERS = {"field": "physics", "train": "yes"}


def checked(**changes):
    return check(replace(DRAFT, **{"answers": ANSWERS, **changes}), Kind.INITIAL, RULES, asks_login=True)


def wrong(**changes) -> set[str]:
    with pytest.raises(FormInvalid) as refused:
        checked(**changes)
    return set(refused.value.details["fields"])


def test_a_good_form_passes():
    filled = checked()
    assert (filled.given_name, filled.surname, filled.login, filled.locale) == ("상완", "Kim", "sangwan", "en")
    assert filled.answers == ANSWERS
    assert filled.warnings == {}


def test_names_are_of_any_script_and_composed():
    assert checked(given_name="Mu\u0308ller ").given_name == "M\u00fcller"
    for name in ("Nguyễn Thị", "محمد", "Ἀλέξανδρος", "O'Neill", "Jean-Luc"):
        assert checked(surname=name).surname == name


@pytest.mark.parametrize("field", ["given_name", "surname"])
@pytest.mark.parametrize("name", ["", "   ", "123", "-", "a\r\nBcc: x", "a\x00", "a\u202eb", "x" * 101, "\ud800a"])
def test_what_is_no_name(field, name):
    assert wrong(**{field: name}) == {field}


@pytest.mark.parametrize("login", ["a", "sangwan", "s_1", "a2345678"])
def test_logins_by_the_rule(login):
    assert checked(login=login).warnings == {}


def test_a_long_login_is_warned_of():
    assert set(checked(login="a23456789").warnings) == {"login"}


@pytest.mark.parametrize(
    "login", ["", "Sangwan", "1abc", "_a", "a-b", "a b", "김상완", "a" * 33, "root\n", "a.b", "ａｂ"]
)
def test_logins_against_the_rule(login):
    assert wrong(login=login) == {"login"}


@pytest.mark.parametrize("password", ["abcdefg1", "pass word", "비밀번호는깁니다", "12345678", "abcdefg!"])
def test_passwords_by_the_rule(password):
    assert checked(password=password).password == password


@pytest.mark.parametrize("password", ["abcdefgh", "a1", "ABCDEFGH", "a1\x00bcdefg", "1" * 1025, "비" * 400])
def test_passwords_against_the_rule(password):
    assert wrong(password=password) == {"password"}


def test_a_password_may_be_left_out():
    assert checked(password="").password is None


def test_no_password_shows_in_a_repr():
    assert "s3cret" not in repr(checked(password="s3cret-enough"))


@pytest.mark.parametrize("text", ["", "  ", "x" * 4001, "a\x1bb", "a\u202eb"])
def test_a_motivation_is_some_text(text):
    assert wrong(motivation=text) == {"motivation"}


def test_a_motivation_may_have_lines():
    assert checked(motivation="one\r\ntwo\n\tthree").motivation == "one\ntwo\n\tthree"


@pytest.mark.parametrize(
    ("key", "answer"),
    [("orcid", "1234"), ("orcid", "0000-0002-1825-0097\n0000"), ("orcid", "x0000-0002-1825-0097"), ("field", "chemistry"),
     ("field", ""), ("train", "no"), ("train", "maybe"), ("more", "x" * 4001), ("nothing", "x")],
)  # fmt: skip
def test_answers_that_do_not_do(key, answer):
    assert wrong(answers={**ANSWERS, key: answer}) == {key}


def test_answers_that_do():
    filled = checked(answers={**ANSWERS, "orcid": "0000-0002-1825-0097", "more": "a\nb"})
    assert filled.answers == {**ANSWERS, "orcid": "0000-0002-1825-0097", "more": "a\nb"}


def test_every_mistake_is_told_at_once():
    assert wrong(given_name="", email="x", login="X", answers={}) == {"given_name", "email", "login", "field", "train"}


def test_a_renewal_asks_less():
    draft = Draft("Sangwan", "Kim", "sangwan@example.org")
    filled = check(draft, Kind.EXTENSION, RULES, asks_login=False)
    assert (filled.login, filled.password, filled.motivation, filled.answers) == (None, None, "", {})


@given(
    st.builds(
        Draft,
        st.text(), st.text(), st.text(), st.text(), st.text(), st.text(), st.text(),
        answers=st.dictionaries(st.text(max_size=10), st.text()),
    )
)  # fmt: skip
def test_any_form_is_taken_or_refused_with_fields(draft):
    with suppress(FormInvalid):
        assert check(draft, Kind.INITIAL, RULES, asks_login=True).email.isascii()


@pytest.mark.parametrize(
    "document",
    [
        {"questions": [{"key": "Bad", "label": "x"}]},
        {"questions": [{"key": "a", "label": "x"}, {"key": "a", "label": "y"}]},
        {"questions": [{"key": "a", "label": "x", "pattern": "("}]},
        {"questions": [{"key": "a", "label": "x", "pattern": "a)|(?:b"}]},
        {"questions": [{"key": "a", "label": "x", "pattern": "x" * 201}]},
        {"questions": [{"key": "a", "label": "x", "pattern": "(a{1000}){1000}"}]},
        {"questions": [{"key": "a", "label": "x", "kind": "choice"}]},
        {"questions": [{"key": "a", "label": "x", "choices": ["y"]}]},
        {"auto_approve": {"domains": ["not a domain"]}},
        {"auto_approve": {"issuers": ["nobody"]}},
        {"information": "javascript:alert(1)"},
        {"reminders": [0]},
        {"nothing": 1},
        {"confirm_days": "x"},
        [],
        "x",
    ],
)
def test_rules_that_are_none(document):
    with pytest.raises(RulesInvalid):
        parse_rules(document)


def test_rules_read_back():
    rules = parse_rules({**RULES.model_dump(mode="json"), "auto_approve": {"issuers": ["/DC=org/CN=CA"]}})
    assert parse_rules(rules.model_dump(mode="json")) == rules


def test_a_malicious_pattern_costs_nothing():
    question = Question(key="a", label="x", pattern="(a+)+(a+)+(a+)+")
    assert not question.matches("a" * 500 + "b")


def test_without_a_rule_nobody_comes_in_by_it():
    assert not Rules().auto_approve.covers("alice@example.org", "CN=CA")


def members(inner):
    return st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*Rules.model_fields, "x"]), inner, max_size=4)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), members, max_leaves=10))
def test_any_document_is_rules_or_refused(document):
    with suppress(RulesInvalid):
        parse_rules(document)
