"""Keystone's own RuleProcessor and ours make the same of the same rules and assertions."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from tests.support.openstack import openstack

from hansa.standards.mapping import Domain, Mapped, MappingError, Rules, evaluate, parse_rules

pytestmark = pytest.mark.peer
PROGRAM = Path(__file__).parents[1] / "support" / "keystone_mapping.py"
Ask = Callable[[dict[str, Any], dict[str, list[str]]], dict[str, Any]]


@pytest.fixture(scope="module")
def keystone() -> Iterator[Ask]:
    process = subprocess.Popen(
        [openstack().python, "-P", "-W", "ignore", str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )

    def ask(mapping: dict[str, Any], assertion: dict[str, list[str]]) -> dict[str, Any]:
        assert process.stdin is not None
        assert process.stdout is not None
        said = {name: ";".join(values) for name, values in assertion.items() if values}
        process.stdin.write(json.dumps({"mapping": mapping, "assertion": said}) + "\n")
        process.stdin.flush()
        found: dict[str, Any] = json.loads(process.stdout.readline())
        return found

    try:
        yield ask
    finally:
        process.communicate()


# No value is Python or JSON, or contains "name": what Keystone makes of those, this project refuses on purpose.
names = ["A", "B", "OIDC-sub"]
attribute = st.sampled_from(names)
value = st.sampled_from(["x", "y", "egi.eu", "egixeu", "vo:role=member", "a b", "é", "X", "z1"])
pattern = st.sampled_from(
    ["^x$", "x", "egi.eu", r"egi\.eu$", "^(x|y)$", "[a-z]1", ".*", "^vo:(.+:)*role", r"^z\d\Z", "(?i)^x$", "q"]
)
values = st.lists(value, min_size=1, max_size=2)
assertion = st.fixed_dictionaries(dict.fromkeys(names, values)) | st.dictionaries(attribute, values, max_size=2)
place = st.sampled_from(["x", "y", "{0}", "pre-{0}", "{0} {1}", "{{0}}"])
domain = st.sampled_from([{"id": "default"}, {"name": "D"}, {"name": "{0}"}])
project = st.fixed_dictionaries(
    {"name": place, "roles": st.lists(st.fixed_dictionaries({"name": st.sampled_from(["r", "s"])}), max_size=2)}
)
plain_local = {
    "user": st.fixed_dictionaries(
        {},
        optional={
            "name": place,
            "email": place,
            "id": place,
            "domain": domain,
            "type": st.sampled_from(["local", "ephemeral"]),
        },
    ),
    "group": st.fixed_dictionaries({"id": place}) | st.fixed_dictionaries({"name": place, "domain": domain}),
    "group_ids": st.sampled_from(["{0}", "g", "['g', 'h']", "['g-{0}', 'h']"]),
}
grouped = st.fixed_dictionaries({"groups": st.sampled_from(["{0}", "g", "['g', 'h']"]), "domain": domain})


def conditions(kinds: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    plain = st.fixed_dictionaries({"type": attribute})
    some = [
        st.fixed_dictionaries(
            {"type": attribute, kind: st.lists(value, max_size=3)}, optional={"regex": st.just(False)}
        )
        | st.fixed_dictionaries({"type": attribute, kind: st.lists(pattern, max_size=2), "regex": st.just(True)})
        for kind in kinds
    ]
    return st.one_of(plain, *some)


def mappings(version: str) -> st.SearchStrategy[dict[str, Any]]:
    projects = project
    if version != "1.0":
        projects = project | st.builds(lambda each, its: {**each, "domain": its}, project, domain)
    optional = {**plain_local, "projects": st.lists(projects, min_size=1, max_size=2), "domain": domain}
    local = st.fixed_dictionaries({}, optional=optional) | grouped
    remote = st.lists(conditions(["any_one_of", "not_any_of", "whitelist", "blacklist"]), min_size=1, max_size=2)
    rule = st.fixed_dictionaries({"local": st.lists(local, max_size=2), "remote": remote})
    rules = st.lists(rule, min_size=1, max_size=3)
    return st.builds(lambda each: {"rules": each, "schema_version": version}, rules)


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(["1.0", "2.0", "3.0"]).flatmap(mappings), assertion)
def test_both_engines_make_the_same_of_somebody(
    keystone: Ask, mapping: dict[str, Any], assertion: dict[str, list[str]]
) -> None:
    rules = read(mapping)
    assume(rules is not None)  # found when the rules are read; Keystone finds it when somebody comes
    assert rules is not None
    theirs, ours = keystone(mapping, assertion), applied(rules, assertion)
    event(ours if isinstance(ours, str) else "mapped")
    assume(ours != "mapping.value")  # Keystone would take a list for a name, or a name for a list
    if ours == "mapping.no_match":
        assert theirs == {"refused": "ValidationError"}
    else:
        assert ours == normal(theirs["mapped"])


def read(mapping: dict[str, Any]) -> Rules | None:
    """None: a place without a value. Other refusals are not expected."""
    try:
        return parse_rules(mapping)
    except MappingError as error:
        if error.code != "mapping.direct":
            raise
        return None


def applied(rules: Rules, assertion: dict[str, list[str]]) -> dict[str, Any] | str:
    """The result, or the code of the refusal."""
    try:
        return shown(evaluate(rules, assertion))
    except MappingError as error:
        return error.code


@pytest.mark.parametrize("text", ['[{"name": "p", "roles": [{"name": "r"}]}]', "[]", "x", '[{"name": "p"}]'])
def test_both_engines_read_projects_in_json(keystone: Ask, text: str) -> None:
    mapping = {
        "rules": [{"local": [{"projects_json": "{0}", "domain": {"id": "d"}}], "remote": [{"type": "A"}]}],
        "schema_version": "3.0",
    }
    theirs = keystone(mapping, {"A": [text]})
    ours = applied(parse_rules(mapping), {"A": [text]})
    assert ours == (normal(theirs["mapped"]) if "mapped" in theirs else "mapping.value")


def test_both_engines_read_groups_in_json(keystone: Ask) -> None:
    mapping = {"rules": [{"local": [{"groups": "{0}"}], "remote": [{"type": "A"}]}]}
    said = {"A": ['JSON:{"name":"g","domain":{"name":"d"}}', 'JSON:{"name":"h","domain":{"name":"d"}}']}
    assert shown(evaluate(parse_rules(mapping), said)) == normal(keystone(mapping, said)["mapped"])


@pytest.mark.parametrize(
    "rule",
    [
        {"local": [{}], "remote": []},
        {"local": [{}], "remote": [{"type": "A", "regex": True}]},
        {"local": [{}], "remote": [{"type": "A", "any_one_of": [], "whitelist": []}]},
        {"local": [{"user": {"nick": "x"}}], "remote": [{"type": "A"}]},
        {"local": [{"group": {"name": "x"}}], "remote": [{"type": "A"}]},
        {"local": [{"projects": [{"name": "x"}]}], "remote": [{"type": "A"}]},
        {"local": [{"projects_json": "{0}"}], "remote": [{"type": "A"}]},
        {"remote": [{"type": "A"}]},
    ],
)
def test_both_engines_refuse_what_the_schema_does_not_allow(keystone: Ask, rule: dict[str, Any]) -> None:
    with pytest.raises(MappingError):
        parse_rules({"rules": [rule]})
    assert keystone({"rules": [rule]}, {"A": ["x"]})["refused"] in ("ValidationError", "SchemaValidationError")


def shown(mapped: Mapped) -> dict[str, Any]:
    user = mapped.user
    members = {
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "type": user.type.value,
        "domain": owner(user.domain),
    }
    return {
        "user": {name: text for name, text in members.items() if text is not None},
        "group_ids": sorted(mapped.group_ids),
        "groups": sorted((each.name, str(owner(each.domain))) for each in mapped.groups),
        "projects": [(each.name, each.roles, owner(each.domain)) for each in mapped.projects],
    }


def normal(mapped: dict[str, Any]) -> dict[str, Any]:
    return {
        "user": {name: text for name, text in mapped["user"].items() if text is not None},
        "group_ids": sorted(set(mapped["group_ids"])),
        "groups": sorted({(each["name"], str(each["domain"])) for each in mapped["group_names"]}),
        "projects": [
            (each["name"], tuple(role["name"] for role in each["roles"]), each.get("domain"))
            for each in mapped["projects"]
        ],
    }


def owner(domain: Domain | None) -> dict[str, str] | None:
    if domain is None:
        return None
    return {name: text for name, text in (("id", domain.id), ("name", domain.name)) if text is not None}
