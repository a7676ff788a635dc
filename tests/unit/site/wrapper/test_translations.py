"""What the front says to Keystone of a principal, v2.0 in words of v3, and rules from a policy."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.base.errors import BadRequest, Unauthenticated
from hansa.site.identity import Membership, Principal
from hansa.site.identity.policy import parse_policy
from hansa.site.openstack.wrapper import v2
from hansa.site.openstack.wrapper.apply import commands
from hansa.site.openstack.wrapper.assertion import variables
from hansa.site.openstack.wrapper.backend import Origin
from hansa.site.openstack.wrapper.install import ensure_secret, install, installed
from hansa.site.openstack.wrapper.mapping import NAME_MAX, group_name, wanted
from hansa.standards.mapping import MappingError, evaluate, lint, parse_rules


def principal(display: str = "/CN=Alice", *memberships: Membership) -> Principal:
    return Principal("X509:<I>CN=CA<S>CN=Alice", display, frozenset(), memberships)


def test_fqans_are_told_in_their_short_form_in_the_users_order():
    told = variables(
        principal(
            "/CN=Alice",
            Membership("a", ("/a/Role=NULL/Capability=NULL", "/a/g/Role=x/Capability=NULL")),
            Membership("b", ("/b",)),
        ),
        "egi.eu",
    )
    assert told["VOMS_FQANS"] == "/a;/a/g/Role=x;/b"
    assert told["VOMS_GROUPS"] == "/a;/a/g;/b"
    assert told["VOMS_VO"] == "a;b"
    assert told["HANSA_IDENTITY_PROVIDER"] == "egi.eu"
    assert len(told["VOMS_USER_ID"]) == 64


@pytest.mark.parametrize("name", ["/CN=a;b", "/CN=a\nb", "/CN=a\0", "/CN=\x7f"])
def test_a_name_that_keystone_would_split_is_refused(name):
    with pytest.raises(Unauthenticated, match="semicolon"):
        variables(principal(name), "egi.eu")


def test_the_forms_of_version_2():
    assert v2.parse(b'{"auth": {"voms": true}}') == v2.Wish(None, None)
    assert v2.parse(b'{"auth": {"voms": true, "tenantName": "t"}}') == v2.Wish(None, "t")
    assert v2.parse(b'{"auth": {"token": {"id": "abc"}, "tenantId": "1"}}') == v2.Wish("abc", "1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"auth": []}',
        b'{"auth": {"voms": "true"}}',
        b'{"auth": {"voms": 1}}',
        b'{"auth": {"voms": true, "tenantName": ["t"]}}',
        b'{"auth": {"token": {"id": "a\\r\\nX-Auth-Token: b"}}}',
        b'{"auth": {"token": {"id": ""}}}',
        b'{"auth": {"passwordCredentials": {"username": "a", "password": "b"}}}',
        b"[" * 100_000,
    ],
)
def test_other_forms_are_bad_requests(body):
    with pytest.raises(BadRequest):
        v2.parse(body)


@given(
    st.binary(max_size=300)
    | st.recursive(
        st.none() | st.booleans() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["auth", "voms", "token", "id", "tenantName"]) | st.text(), inner)
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_body_does_more_than_a_bad_request(body):
    try:
        wish = v2.parse(body)
    except BadRequest:
        return
    assert wish.token is None or wish.token.isascii()


POLICY = parse_policy(
    b'{"vo": {"tenant": "p"}, "/vo/g/Role=r/Capability=NULL": {"tenant": "q", "roles": ["admin", "member"]}}'
)


def test_each_entry_of_the_policy_has_a_group_a_project_and_a_rule_of_whole_values():
    plan = wanted(POLICY)
    assert [(grant.key, grant.group, grant.project, grant.roles) for grant in plan.grants] == [
        ("/vo/g/Role=r", "/vo/g/Role=r", "q", ("admin", "member")),
        ("vo", "vo", "p", ("member",)),
    ]
    assert [rule["remote"][-1] for rule in plan.rules] == [
        {"type": "VOMS_FQANS", "any_one_of": ["/vo/g/Role=r"]},
        {"type": "VOMS_VO", "any_one_of": ["vo"]},
    ]
    assert all({"type": "HANSA_IDENTITY_PROVIDER", "any_one_of": ["egi.eu"]} in rule["remote"] for rule in plan.rules)
    assert not any("regex" in condition for rule in plan.rules for condition in rule["remote"])


def test_the_rules_put_a_user_into_the_groups_of_what_was_shown_and_nobody_else():
    rules = parse_rules({"rules": wanted(POLICY).rules})
    assert lint(rules) == []
    shown = variables(principal("/CN=Alice", Membership("vo", ("/vo", "/vo/g/Role=r"))), "egi.eu")
    mapped = evaluate(rules, _split(shown))
    assert mapped.user.name == "/CN=Alice"
    assert {group.name for group in mapped.groups} == {"vo", "/vo/g/Role=r"}
    for other in (Membership("vo2", ("/vo2", "/vo2/vo")), Membership("vo2", ("/vo2/g/Role=r",))):
        with pytest.raises(MappingError):
            evaluate(rules, _split(variables(principal("/CN=Alice", other), "egi.eu")))
    with pytest.raises(MappingError):
        evaluate(rules, _split({**shown, "HANSA_IDENTITY_PROVIDER": "other"}))


def _split(told: Mapping[str, str]) -> dict[str, list[str]]:
    return {name: value.split(";") for name, value in told.items()}


def test_long_names_stay_distinct_within_keystones_bound():
    one, other = group_name("/vo/" + "a" * 100), group_name("/vo/" + "a" * 101)
    assert one != other
    assert len(one) == len(other) == NAME_MAX


def test_the_commands_name_everything_and_are_safe_for_a_shell():
    policy = parse_policy(b'{"vo": {"tenant": "a project; rm"}}')
    said = commands(wanted(policy), "rules.json")
    assert said[0] == "openstack role create --or-show member"
    assert said[1] == "openstack project create --or-show --domain Default 'a project; rm'"
    assert said[-1] == "openstack federation protocol create --identity-provider egi.eu --mapping voms-egi-eu mapped"


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1:5000", "http://keystone.example.org", "ftp://127.0.0.1", "unix:relative", "http://"]
)
def test_a_backend_that_others_could_overhear_is_refused(url):
    with pytest.raises(ValueError, match=r"https|must be"):
        Origin.parse(url)


def test_backends_on_loopback_sockets_and_by_tls_are_taken():
    assert Origin.parse("http://127.0.0.1:5050/identity/").base == "/identity"
    assert Origin.parse("http://[::1]:5050").port == 5050
    assert Origin.parse("unix:/run/k.sock").unix
    assert Origin.parse("https://keystone.example.org").port == 443


def test_installing_twice_is_the_same_and_a_secret_is_kept(tmp_path):
    install(tmp_path / "inside")
    install(tmp_path / "inside")
    assert installed(tmp_path / "inside")
    (tmp_path / "inside" / "hansa_keystone" / "gate.py").write_text("")
    assert not installed(tmp_path / "inside")
    secret = tmp_path / "etc" / "secret"
    assert ensure_secret(secret)
    first = secret.read_bytes()
    assert not ensure_secret(secret)
    assert secret.read_bytes() == first
    assert secret.stat().st_mode & 0o777 == 0o600
