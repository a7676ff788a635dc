"""voms.json: the policy of keystone-voms, read strictly."""

import contextlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.base.errors import ConfigurationError
from hansa.site.identity.model import Grant, Membership
from hansa.site.identity.policy import Policy, parse_policy

SEED = b'{\n  "fedcloud.egi.eu": {\n    "tenant": "fedcloud"\n  }\n}\n'


def member(vo: str, *fqans: str) -> Membership:
    return Membership(vo, fqans)


def preferred(policy: Policy, memberships: Sequence[Membership]) -> Grant | None:
    return next(policy.grants(memberships), None)


def test_a_vo_has_a_project() -> None:
    fqan = "/fedcloud.egi.eu/Role=NULL/Capability=NULL"
    grant = preferred(parse_policy(SEED), [member("fedcloud.egi.eu", fqan)])
    assert grant == Grant("fedcloud", frozenset(), "fedcloud.egi.eu", fqan)


def test_a_vo_without_entry_has_none() -> None:
    assert preferred(parse_policy(SEED), [member("ops", "/ops")]) is None
    assert preferred(parse_policy(SEED), []) is None


@pytest.mark.parametrize("key", ["/ops/admins", "/ops/admins/Role=NULL", "/ops/admins/Role=NULL/Capability=NULL"])
@pytest.mark.parametrize("shown", ["/ops/admins", "/ops/admins/Role=NULL/Capability=NULL"])
def test_null_roles_and_capabilities_say_nothing(key: str, shown: str) -> None:
    grant = preferred(parse_policy(f'{{"{key}": {{"tenant": "t"}}}}'.encode()), [member("ops", shown)])
    assert grant is not None
    assert (grant.project, grant.fqan) == ("t", shown)


def test_the_first_fqan_that_has_an_entry_counts_not_only_the_very_first() -> None:
    policy = parse_policy(b'{"/ops/a": {"tenant": "a"}, "/ops/b/Role=x": {"tenant": "b"}, "ops": {"tenant": "whole"}}')

    def project(*fqans: str) -> str | None:
        grant = preferred(policy, [member("ops", *fqans)])
        return grant.project if grant else None

    assert project("/ops", "/ops/b/Role=x", "/ops/a") == "b"
    assert project("/ops", "/ops/a", "/ops/b/Role=x") == "a"
    assert project("/ops", "/ops/b") == "whole"


def test_a_role_is_part_of_the_key() -> None:
    policy = parse_policy(b'{"/ops/Role=lcgadmin": {"tenant": "t"}}')
    assert preferred(policy, [member("ops", "/ops/Role=NULL/Capability=NULL")]) is None
    assert preferred(policy, [member("ops", "/ops/Role=lcgadmin/Capability=NULL")]) is not None


def test_the_first_vo_that_is_known_counts() -> None:
    policy = parse_policy(b'{"b": {"tenant": "pb"}, "/c": {"tenant": "pc"}}')
    grant = preferred(policy, [member("a", "/a"), member("b", "/b"), member("c", "/c")])
    assert grant is not None
    assert (grant.project, grant.vo) == ("pb", "b")


def test_roles_come_from_the_entry_or_the_default() -> None:
    policy = parse_policy(b'{"a": {"tenant": "t"}, "b": {"tenant": "t", "roles": ["admin"]}}', frozenset({"_member_"}))
    assert [grant.roles for vo in "ab" if (grant := preferred(policy, [member(vo)]))] == [{"_member_"}, {"admin"}]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"ops": "t"}',
        b'{"ops": {}}',
        b'{"ops": {"tenant": ""}}',
        b'{"ops": {"tenant": 1}}',
        b'{"ops": {"tenant": "t", "role": "admin"}}',
        b'{"ops": {"tenant": "t", "roles": "admin"}}',
        b'{"ops": {"tenant": "t", "roles": [1]}}',
        b'{"ops": {"tenant": "a"}, "ops": {"tenant": "b"}}',
        b'{"/ops": {"tenant": "a"}, "/ops/Role=NULL": {"tenant": "b"}}',
        b"[" * 100_000,
    ],
)
def test_anything_else_is_refused(text: bytes) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_policy(text)
    assert caught.value.details["key"] == "identity.policy"


@given(st.binary(max_size=200))
def test_no_bytes_break_it(text: bytes) -> None:
    with contextlib.suppress(ConfigurationError):
        parse_policy(text)
