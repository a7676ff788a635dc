"""Keystone's mapping rules: what is read, what fits, what comes out, and what the linter warns of."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.standards.mapping import (
    Domain,
    Group,
    MappingError,
    Project,
    UserType,
    evaluate,
    lint,
    load_rules,
    parse_rules,
)

EGI = [
    {
        "local": [
            {"user": {"name": "{0}", "email": "{1}"}, "group": {"name": "fedcloud", "domain": {"name": "egi.eu"}}},
        ],
        "remote": [
            {"type": "OIDC-sub"},
            {"type": "OIDC-email"},
            {"type": "OIDC-iss", "any_one_of": ["https://aai.egi.eu/auth/realms/egi"]},
            {
                "type": "OIDC-eduperson_entitlement",
                "regex": True,
                "any_one_of": [r"^urn:mace:egi\.eu:group:fedcloud\.egi\.eu:role=vm_operator#aai\.egi\.eu$"],
            },
        ],
    }
]
SOMEBODY = {
    "OIDC-sub": ["f00d@egi.eu"],
    "OIDC-email": ["some.one@example.org"],
    "OIDC-iss": ["https://aai.egi.eu/auth/realms/egi"],
    "OIDC-eduperson_entitlement": [
        "urn:mace:egi.eu:group:other:role=member#aai.egi.eu",
        "urn:mace:egi.eu:group:fedcloud.egi.eu:role=vm_operator#aai.egi.eu",
    ],
}


def rules(local: Any, *remote: Any, version: str | None = None) -> Any:
    document = {"rules": [{"local": [local], "remote": list(remote or [{"type": "a"}])}]}
    return parse_rules(document | ({"schema_version": version} if version else {}))


def refused(document: object) -> MappingError:
    with pytest.raises(MappingError) as caught:
        parse_rules(document)
    return caught.value


def test_the_mapping_of_an_egi_site_finds_user_and_group() -> None:
    mapped = evaluate(load_rules(json.dumps(EGI).encode()), SOMEBODY)
    assert (mapped.user.name, mapped.user.email, mapped.user.type) == (
        "f00d@egi.eu",
        "some.one@example.org",
        UserType.EPHEMERAL,
    )
    assert mapped.groups == (Group("fedcloud", Domain(name="egi.eu")),)


@pytest.mark.parametrize("attribute", ["OIDC-sub", "OIDC-eduperson_entitlement", "OIDC-iss"])
def test_all_conditions_must_hold(attribute: str) -> None:
    with pytest.raises(MappingError) as caught:
        evaluate(load_rules(json.dumps(EGI).encode()), SOMEBODY | {attribute: ["x"] if attribute[5] != "s" else []})
    assert caught.value.code == "mapping.no_match"


def test_all_rules_that_fit_count_the_first_user_and_the_last_projects_win() -> None:
    document = {
        "rules": [
            {"local": [{"group": {"id": "g0"}}], "remote": [{"type": "a"}]},
            {
                "local": [{"user": {"name": "first"}, "projects": [{"name": "p1", "roles": []}]}],
                "remote": [{"type": "a"}],
            },
            {"local": [{"user": {"name": "second"}, "group_ids": "['g1', 'g0']"}], "remote": [{"type": "a"}]},
            {"local": [{"projects": [{"name": "{0}", "roles": [{"name": "r"}]}]}], "remote": [{"type": "a"}]},
            {"local": [{"group": {"id": "never"}}], "remote": [{"type": "b"}]},
        ]
    }
    mapped = evaluate(parse_rules(document), {"a": ["x"]})
    assert mapped.user.name == "first"
    assert mapped.group_ids == ("g0", "g1")
    assert mapped.projects == (Project("x", ("r",)),)


def test_only_plain_and_filtering_conditions_give_values() -> None:
    local = {"user": {"name": "{0} of {1}"}, "groups": "{2}", "domain": {"id": "default"}}
    found = evaluate(
        rules(
            local,
            {"type": "a", "any_one_of": ["x"]},
            {"type": "b"},
            {"type": "b", "not_any_of": ["x"]},
            {"type": "c", "blacklist": ["no"]},
            {"type": "c", "whitelist": [r"^g\d$"], "regex": True},
        ),
        {"a": ["x"], "b": ["B"], "c": ["no", "g1"]},
    )
    assert found.user.name == "B of g1"
    assert [group.name for group in found.groups] == ["g1"]


def test_a_whitelist_that_leaves_nothing_gives_no_groups() -> None:
    local = {"groups": "{0}", "domain": {"id": "default"}}
    assert evaluate(rules(local, {"type": "a", "whitelist": ["x"]}), {"a": ["y"]}).groups == ()


@pytest.mark.parametrize("values", [["a", "b"], []])
def test_several_values_or_none_are_no_name(values: list[str]) -> None:
    """Keystone would make a user whose name is `['a', 'b']`, or `[]`."""
    with pytest.raises(MappingError) as caught:
        evaluate(rules({"user": {"name": "{0}"}}, {"type": "a", "whitelist": values}), {"a": ["a", "b"]})
    assert caught.value.code == "mapping.value"


def test_what_the_provider_says_is_never_read_as_python_or_as_a_format() -> None:
    """Keystone reads a value `['x', 'admins']` as two groups."""
    local = {"user": {"name": "{1}"}, "groups": "{0}", "domain": {"id": "default"}}
    found = evaluate(rules(local, {"type": "a"}, {"type": "b"}), {"a": ["['x', 'admins']"], "b": ["{0}"]})
    assert [group.name for group in found.groups] == ["['x', 'admins']"]
    assert found.user.name == "{0}"


def test_groups_in_json_name_their_own_domain() -> None:
    said = ['JSON:{"name": "g", "domain": {"name": "d"}}']
    assert evaluate(rules({"groups": "{0}"}), {"a": said}).groups == (Group("g", Domain(name="d")),)


@pytest.mark.parametrize(
    "said",
    [
        "g",
        "JSON:",
        "JSON:[]",
        "JSON:" + "[" * 4000,
        'JSON:{"name": "g"}',
        'JSON:{"name": 1, "domain": {"id": "d"}}',
        'JSON:{"name": "g", "domain": {}}',
        'JSON:{"name": "g", "domain": {"id": "d"}, "x": 1}',
    ],
)
def test_other_groups_without_a_domain_are_refused(said: str) -> None:
    with pytest.raises(MappingError) as caught:
        evaluate(rules({"groups": "{0}"}), {"a": [said]})
    assert caught.value.code == "mapping.value"


def test_the_domain_of_a_rule_is_that_of_its_projects_since_version_2() -> None:
    local = {
        "user": {"name": "u"},
        "domain": {"name": "d"},
        "projects": [{"name": "p", "roles": [{"name": "r"}]}],
    }
    assert evaluate(rules(local), {"a": ["x"]}).projects == (Project("p", ("r",)),)
    found = evaluate(rules(local, version="2.0"), {"a": ["x"]})
    assert found.projects == (Project("p", ("r",), Domain(name="d")),)
    assert found.user.domain == Domain(name="d")


def test_version_3_takes_projects_as_json() -> None:
    said = '[{"name": "p", "roles": [{"name": "r"}]}, {"name": "q", "roles": [], "domain": {"id": "e"}}]'
    found = evaluate(rules({"projects_json": "{0}", "domain": {"id": "d"}}, version="3.0"), {"a": [said]})
    assert found.projects == (Project("p", ("r",), Domain("d")), Project("q", (), Domain("e")))


@pytest.mark.parametrize("said", ["x", "{}", "[1]", '[{"name": "p"}]', '[{"name": "p", "roles": [1]}]', '["p"]'])
def test_other_projects_are_refused(said: str) -> None:
    with pytest.raises(MappingError) as caught:
        evaluate(rules({"projects_json": "{0}"}, version="3.0"), {"a": [said]})
    assert caught.value.code == "mapping.value"


LOCAL, REMOTE = {"user": {"name": "x"}}, {"type": "a"}


@pytest.mark.parametrize(
    ("document", "code", "where"),
    [
        ([], "mapping.schema", "mapping"),
        ({}, "mapping.schema", "lacks rules"),
        ({"rules": []}, "mapping.schema", "rules must be a list of 1"),
        ({"rules": [{}]}, "mapping.schema", "rules[0] lacks local"),
        ({"rules": [{"local": [], "remote": []}]}, "mapping.schema", "rules[0].remote"),
        ({"rules": [{"local": [LOCAL], "remote": [REMOTE], "x": 1}]}, "mapping.schema", "must not have 'x'"),
        ({"rules": [{"local": [LOCAL], "remote": [{}]}]}, "mapping.schema", "lacks type"),
        ({"rules": [], "schema_version": "4.0"}, "mapping.version", "4.0"),
    ],
)
def test_an_error_says_where(document: object, code: str, where: str) -> None:
    error = refused(document)
    assert error.code == code
    assert where in error.reason


@pytest.mark.parametrize(
    "condition",
    [
        {"type": 1},
        {"type": "a", "regex": True},
        {"type": "a", "any_one_of": ["x"], "whitelist": ["x"]},
        {"type": "a", "any_one_of": "x"},
        {"type": "a", "any_one_of": [1]},
        {"type": "a", "any_one_of": ["x"], "regex": "yes"},
        {"type": "a", "some_of": ["x"]},
    ],
)
def test_conditions_outside_the_schema_are_refused(condition: object) -> None:
    assert refused({"rules": [{"local": [LOCAL], "remote": [condition]}]}).code == "mapping.schema"


@pytest.mark.parametrize(
    "local",
    [
        {"user": {"name": 1}},
        {"user": {"nick": "x"}},
        {"user": {"type": "remote"}},
        {"group": {"name": "g"}},
        {"group": {"id": "g", "name": "h", "domain": {"id": "d"}}},
        {"group": {"name": "g", "domain": {}}},
        {"groups": "g"},
        {"groups": "[1]", "domain": {"id": "d"}},
        {"projects": [{"name": "p"}]},
        {"projects": [{"name": "p", "roles": ["r"]}]},
        {"projects": [{"name": "p", "roles": [], "domain": {"id": "d"}}]},
        {"projects_json": "{0}"},
        {"user": {"name": "{0.__class__}"}},
        {"user": {"name": "{0!r}"}},
        {"user": {"name": "{0:>99999999}"}},
        {"user": {"name": "{}"}},
        {"user": {"name": "{0"}},
        {"user": {"name": "{٠}"}},
        {"user": {"name": "\ud800"}},
        {"user": {"name": "x" * 3000}},
    ],
)
def test_locals_outside_the_schema_are_refused(local: object) -> None:
    assert refused({"rules": [{"local": [local], "remote": [REMOTE]}]}).code == "mapping.schema"


def test_a_place_without_a_value_is_found_when_the_rules_are_read() -> None:
    local = {"user": {"name": "{1}"}}
    assert refused({"rules": [{"local": [local], "remote": [REMOTE]}]}).code == "mapping.direct"
    assert (
        refused({"rules": [{"local": [local], "remote": [REMOTE, {"type": "b", "any_one_of": []}]}]}).code
        == "mapping.direct"
    )


@pytest.mark.parametrize(
    "pattern", ["(", "*", "(?=a)", r"(a)\1", "(?<!a)b", "[[:alpha:]]", r"\pL", "a{2000}", "(" * 600]
)
def test_patterns_that_need_more_than_linear_time_or_mean_two_things_are_refused(pattern: str) -> None:
    remote = {"type": "a", "any_one_of": [pattern], "regex": True}
    error = refused({"rules": [{"local": [LOCAL], "remote": [remote]}]})
    assert error.code == "mapping.regex"
    assert "rules[0].remote[0].any_one_of" in error.reason


def test_a_pattern_is_looked_for_anywhere_and_python_s_end_of_text_is_known() -> None:
    def fits(pattern: str, value: str) -> bool:
        parsed = rules(LOCAL, {"type": "a", "any_one_of": [pattern], "regex": True})
        try:
            evaluate(parsed, {"a": [value]})
        except MappingError:
            return False
        return True

    assert fits("egi", "xegix")
    assert not fits("^egi$", "xegi")
    assert fits(r"\Aegi\Z", "egi")
    assert not fits(r"\Aegi\Z", "egix")
    assert fits(r"\\Z", "a\\Z")


def test_a_pattern_that_blows_up_elsewhere_takes_no_time() -> None:
    parsed = rules(
        LOCAL, {"type": "a", "regex": True, "any_one_of": ["^urn:mace:egi.eu:group:(.+?):(.+:)*role=member#aai$"]}
    )
    begun = time.process_time()
    with pytest.raises(MappingError):
        evaluate(parsed, {"a": ["urn:mace:egi.eu:group:" + "a:" * 2000 + "!"]})
    assert time.process_time() - begun < 5  # Python's re needs more than the age of the universe


@pytest.mark.parametrize(
    "assertion",
    [
        {"a": ["x\n"]},
        {"a": ["x\x00"]},
        {"a": ["\x85"]},
        {"a": ["\udc80"]},
        {"a": ["x" * 5000]},
        {"a": ["x"] * 5000},
        {"a": ["x" * 4000] * 100},
        {str(number): ["x"] for number in range(300)},
    ],
)
def test_an_assertion_has_bounds(assertion: dict[str, list[str]]) -> None:
    with pytest.raises(MappingError) as caught:
        evaluate(rules(LOCAL), {"a": ["x"]} | assertion)
    assert caught.value.code == "mapping.assertion"


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff", b"[" * 100_000, b'{"rules": [], "rules": []}', b"[" + b"1" * 5000 + b"]", b" " * 2_000_000],
)
def test_files_that_are_not_json_are_refused(text: bytes) -> None:
    with pytest.raises(MappingError) as caught:
        load_rules(text)
    assert caught.value.code in ("mapping.syntax", "mapping.schema")


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("egi", "anywhere"),
        ("^egi", "anywhere"),
        (r"^a|b$", "anywhere"),
        ("^egi.eu$", "dot"),
        ("", "every value"),
        ("^.*$", "every value"),
        ("^(.+:)*x$", "repetition"),
        (r"^\w+$", "ASCII"),
    ],
)
def test_the_linter_warns(pattern: str, words: str) -> None:
    findings = lint(rules(LOCAL, {"type": "a", "any_one_of": [pattern], "regex": True}))
    assert any(words in finding.reason for finding in findings)
    assert all(finding.where.startswith("rules[0].remote[0]") for finding in findings)


@pytest.mark.parametrize(
    "pattern", [r"^urn:mace:egi\.eu:group:(a|b):role=member#aai\.egi\.eu$", r"\Ax[|$]y\Z", "^a(b|c)$"]
)
def test_the_linter_is_silent_about_good_rules(pattern: str) -> None:
    assert lint(rules(LOCAL, {"type": "a", "any_one_of": [pattern], "regex": True})) == []


def test_the_linter_misses_the_user_and_dislikes_blacklists() -> None:
    findings = lint(rules({"group": {"id": "g"}}, {"type": "a", "blacklist": ["x"]}))
    assert {finding.where for finding in findings} == {"rules", "rules[0].remote[0].blacklist"}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["{0}", "{1}", "['{0}', 'b']"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "rules",
                    "local",
                    "remote",
                    "type",
                    "user",
                    "name",
                    "group",
                    "groups",
                    "domain",
                    "id",
                    "regex",
                    "any_one_of",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(
    anything | st.builds(lambda local, remote: {"rules": [{"local": [local], "remote": [remote]}]}, anything, anything)
)
def test_any_document_is_read_or_refused(document: object) -> None:
    assert read_and_applied(document, {"a": ["x"], "": [""]}) != "mapping.assertion"


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_pattern_is_searched_or_refused(pattern: str, value: str) -> None:
    remote = {"type": "a", "not_any_of": [pattern], "regex": True}
    read_and_applied({"rules": [{"local": [LOCAL], "remote": [remote]}]}, {"a": [value]})


def read_and_applied(document: object, assertion: dict[str, list[str]]) -> str | None:
    """The code of the refusal, if there is one; every other exception goes through."""
    try:
        parsed = parse_rules(document)
        lint(parsed)
        evaluate(parsed, assertion)
    except MappingError as error:
        return error.code
    return None
