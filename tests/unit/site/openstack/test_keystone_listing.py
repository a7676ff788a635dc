"""Lists of the Keystone face: filters, order, pages, links; and what a body may be."""

import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.base.errors import BadRequest
from hansa.site.openstack.identity.answers import collection, linked
from hansa.site.openstack.identity.bodies import Body, parse
from hansa.site.openstack.identity.listing import MAX_LIMIT, asks, read_listing

THINGS: list[dict[str, Any]] = [
    {"id": "3", "name": "Carol", "enabled": True, "email": None},
    {"id": "1", "name": "alice", "enabled": True, "email": "alice@example.org"},
    {"id": "2", "name": "bob", "enabled": False, "email": "bob@example.org"},
]
ATTRIBUTES = ("name", "enabled", "email")


def ids(*query: tuple[str, str]) -> str:
    found, _ = read_listing(query, ATTRIBUTES).apply(THINGS)
    return "".join(each["id"] for each in found)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ([], "312"),
        ([("name", "bob")], "2"),
        ([("name", "BOB")], ""),
        ([("name__contains", "o")], "32"),
        ([("name__startswith", "c")], ""),
        ([("name__istartswith", "c")], "3"),
        ([("name__iendswith", "E")], "1"),
        ([("email__icontains", "EXAMPLE")], "12"),
        ([("enabled", "true")], "31"),
        ([("enabled", "0")], "2"),
        ([("enabled", "False")], "2"),
        ([("enabled", "")], "31"),
        ([("name__nonsense", "x")], "312"),
        ([("password", "x"), ("password__contains", "x")], "312"),
        ([("enabled", "1"), ("name", "alice")], "1"),
        ([("sort_key", "name")], "312"),
        ([("sort_key", "id:desc")], "321"),
        ([("sort_key", "enabled,id")], "213"),
        ([("sort_key", "id"), ("marker", "1")], "23"),
        ([("sort_key", "id"), ("limit", "2")], "12"),
    ],
)
def test_a_query_chooses_and_orders(query: list[tuple[str, str]], expected: str) -> None:
    assert ids(*query) == expected


@pytest.mark.parametrize(
    "query", [("limit", "0"), ("limit", "-1"), ("limit", "x"), ("limit", "9" * 20), ("sort_key", "a:b")]
)
def test_what_no_list_can_obey_is_refused(query: tuple[str, str]) -> None:
    with pytest.raises(BadRequest):
        read_listing([query], ATTRIBUTES)


def test_a_limit_has_an_upper_bound() -> None:
    assert read_listing([("limit", "99999999")], ()).limit == MAX_LIMIT


def test_a_page_tells_of_the_next_one_until_there_is_none() -> None:
    listing = read_listing([("limit", "2"), ("sort_key", "id")], ATTRIBUTES)
    page = collection("https://k", "users", "users", THINGS, listing)
    assert [each["id"] for each in page["users"]] == ["1", "2"]
    assert page["links"]["next"] == "https://k/v3/users?sort_key=id&marker=2&limit=2"
    assert page["truncated"] is True
    last = collection("https://k", "users", "users", THINGS, read_listing([("sort_key", "id"), ("marker", "2")], ()))
    assert [each["id"] for each in last["users"]] == ["3"]
    assert last["links"]["next"] is None
    assert "truncated" not in last


def test_links_are_made_of_the_public_address() -> None:
    assert linked("https://k", "users", {"id": "a/b"})["links"] == {"self": "https://k/v3/users/a%2Fb"}
    empty = collection("https://k", "users", "users", [], read_listing([], ()))
    assert empty == {"users": [], "links": {"self": "https://k/v3/users", "previous": None, "next": None}}


@given(
    st.lists(st.tuples(st.text(max_size=20) | st.sampled_from(["name__icontains", "sort_key"]), st.text(max_size=9)))
)
def test_no_query_breaks_the_reader(query: list[tuple[str, str]]) -> None:
    with contextlib.suppress(BadRequest):
        read_listing(query, ATTRIBUTES).apply(THINGS)


def test_flags_are_there_or_not() -> None:
    assert asks({"effective": ""}, "effective")
    assert asks({"effective": "False"}, "effective")
    assert not asks({"effective": "0"}, "effective")
    assert not asks({}, "effective")


class Thing(Body):
    name: str
    enabled: bool = True


def test_a_body_keeps_what_it_does_not_know_and_says_what_was_given() -> None:
    thing = parse({"name": "x", "colour": "red"}, Thing)
    assert (thing.given, thing.extra) == ({"name": "x"}, {"colour": "red"})


@pytest.mark.parametrize("found", [{}, {"name": 5}, {"name": "x", "enabled": "yes"}, {"name": None}])
def test_a_wrong_member_is_named_and_its_value_is_not_shown(found: Any) -> None:
    with pytest.raises(BadRequest, match=r"Invalid input for field '(name|enabled)'") as caught:
        parse(found, Thing)
    assert "yes" not in str(caught.value)
    assert orjson.dumps(caught.value.details["field"])
