"""Which groups a token names, and in which order."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from hansa.federation.membership.model import Attribute, Held, MemberState, Person, RoleGrant
from hansa.federation.provider.claims import about, current, entitled, not_held, wlcg_groups
from hansa.federation.provider.errors import InvalidScope
from hansa.federation.provider.scopes import KNOWN, allowed, narrowed, parse

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
GROUPS = ("/cms", "/cms/ALARM", "/cms/uscms")
PERSON = Person(1, str(uuid4()), "Ann", "", "", "", False, None, False, "")


def held(vo: str = "cms", **changes: object) -> Held:
    given = {"state": MemberState.ACTIVE, "reason": "", "until": None, "groups": (f"/{vo}",), "roles": ()} | changes
    return Held(vo, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scope", "groups"),
    [
        ("wlcg.groups", GROUPS),
        ("wlcg.groups:/cms/uscms wlcg.groups:/cms/ALARM", ("/cms/uscms", "/cms/ALARM", "/cms")),
        ("wlcg.groups:/cms/uscms wlcg.groups", ("/cms/uscms", "/cms", "/cms/ALARM")),
        ("wlcg.groups wlcg.groups:/cms/uscms", GROUPS),
        ("wlcg.groups:/cms/uscms wlcg.groups:/cms/uscms", ("/cms/uscms", "/cms", "/cms/ALARM")),
        ("wlcg.groups:/atlas", GROUPS),
        ("wlcg.groups:/cm", GROUPS),
    ],
)
def test_groups_stand_in_the_order_asked_for(scope, groups):
    assert wlcg_groups(GROUPS, parse(scope)) == groups


def test_no_groups_are_named_that_nobody_asked_for():
    told = about(current(PERSON, [held()], NOW), parse("openid profile email"), namespace="urn:x:y", authority="a")  # type: ignore[arg-type]
    assert told == {"name": "Ann"}


def test_a_group_that_is_not_held_is_found():
    assert not_held(GROUPS, parse("wlcg.groups:/cms/uscms")) is None
    assert not_held(GROUPS, parse("openid wlcg.groups:/cms/us")) == "/cms/us"
    assert entitled(parse("openid wlcg.groups:/cms/us"), GROUPS) == ("openid",)


@pytest.mark.parametrize(
    "bad",
    [
        held(state=MemberState.SUSPENDED),
        held(state=MemberState.EXPIRED),
        held(aup_overdue=True),
        held(until=NOW, ends=NOW),
        held(ends=NOW - timedelta(seconds=1)),
    ],
)
def test_a_membership_that_is_not_current_says_nothing(bad):
    assert current(PERSON, [bad], NOW) is None
    standing = current(PERSON, [bad, held("atlas")], NOW)
    assert standing is not None
    assert standing.groups == ("/atlas",)


def test_the_first_end_of_a_membership_ends_what_speaks_of_all():
    soon, late = NOW + timedelta(minutes=5), NOW + timedelta(days=5)
    standing = current(PERSON, [held(ends=late), held("atlas", ends=soon), held("ops")], NOW)
    assert standing is not None
    assert standing.until == soon


def test_roles_follow_the_groups_of_their_vo():
    roles = (RoleGrant("/cms/ALARM", "b"), RoleGrant("/cms", "a"))
    standing = current(PERSON, [held(groups=("/cms/ALARM", "/cms"), roles=roles), held("ops")], NOW)
    assert standing is not None
    assert list(map(str, standing.fqans)) == [
        *("/cms", "/cms/ALARM", "/cms/Role=a", "/cms/ALARM/Role=b", "/ops"),
    ]


@pytest.mark.parametrize(
    "text", ["a  b", " a", "a\tb", 'a"b', "a\\b", "é", "a " * 2001, " ".join(map(str, range(101)))]
)
def test_what_is_no_list_of_scopes_is_refused(text):
    with pytest.raises(InvalidScope):
        parse(text)


def test_scopes_that_the_client_may_not_have_are_passed_over():
    assert allowed(parse("openid storage.read:/ email"), {"openid"}) == ("openid",)
    assert allowed(parse("wlcg.groups:/cms wlcg"), KNOWN) == ("wlcg.groups:/cms", "wlcg")
    assert allowed(parse("openid wlcg.groups:/cms"), {"openid"}) == ("openid",)


@pytest.mark.parametrize("scope", ["", "storage.read:/", "wlcg.groups:", "openid wlcg.groups:cms", "wlcg.groups:/a//b"])
def test_nothing_left_or_no_group_path_is_refused(scope):
    with pytest.raises(InvalidScope):
        allowed(parse(scope), KNOWN)


def test_a_refresh_may_ask_for_less_and_never_for_more():
    assert narrowed((), ("a", "b")) == ("a", "b")
    assert narrowed(("b",), ("a", "b")) == ("b",)
    with pytest.raises(InvalidScope):
        narrowed(("b", "c"), ("a", "b"))


def test_grace_counts_and_the_end_with_it_bounds_what_is_said():
    found = current(PERSON, [held(state=MemberState.GRACE, until=NOW, ends=NOW + timedelta(days=1))], NOW)
    assert found is not None
    assert found.until == NOW + timedelta(days=1)


def test_generic_attributes_are_told_by_vo_and_ones_own_wins():
    values = (
        Attribute("nick", "ann"),
        Attribute("nick", "x", "/cms"),
        Attribute("q", "1", "/cms"),
        Attribute("q", "2", "/cms/a"),
    )
    found = current(PERSON, [held(attributes=values), held("ops")], NOW)
    assert found is not None
    told = about(found, parse("openid vo_attributes"), namespace="urn:x:y", authority="a")
    assert told == {"vo_attributes": {"cms": {"nick": "ann", "q": "2"}}}
