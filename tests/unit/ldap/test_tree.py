"""The tree: sources come, change and go, and every index says what the entries say."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.ldap import SITES, tree

from hansa.ldap import Entry, Tree, make_entry, search
from hansa.standards.ldap import (
    And,
    AtLeast,
    AtMost,
    Equal,
    Extensible,
    Filter,
    Not,
    Or,
    Present,
    Result,
    Scope,
    Search,
    Substrings,
    fold,
    parent,
)

KISTI = "glue2domainid=KISTI,o=glue"


def found(made: Tree, chosen: Filter, base: str = "o=glue", scope: Scope = Scope.SUBTREE) -> set[str]:
    answer = search(made, Search(base, scope, 0, 0, False, chosen, ()))
    assert answer.result is Result.SUCCESS
    return {entry.key for entry in answer.entries}


def suffix(source: str, *below: str) -> list[Entry]:
    """An entry for the source, and some below it."""
    top = f"o={source}"
    return [make_entry(top, [("o", source)]), *(make_entry(f"cn={each},{top}", [("cn", each)]) for each in below)]


def test_each_scope() -> None:
    made = tree()
    everything = Present("objectclass")
    assert found(made, everything, scope=Scope.BASE) == {"o=glue"}
    assert found(made, everything, scope=Scope.ONE) == {KISTI}
    assert len(found(made, everything)) == len(SITES)
    assert len(found(made, everything, base=KISTI)) == len(SITES) - 1
    assert len(found(made, everything, base="")) == len(SITES)


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        (Equal("glue2serviceid", "compute"), 1),
        (Equal("glue2servicecapability", "cloud.vm.uploadImage"), 1),
        (Equal("glue2servicecapability", "cloud"), 0),
        (Equal("glue2servicetype", "iaas"), 0),
        (Equal("objectclass", "glue2service"), 1),
        (Substrings("glue2endpointurl", "https://", ("kisti",), "/"), 1),
        (Substrings("glue2endpointurl", "https://", ("kisti", "fccont"), ""), 0),
        (And((Present("glue2serviceid"), Equal("glue2servicetype", "IaaS"))), 1),
        (Or((Present("glue2serviceid"), Present("glue2endpointid"))), 2),
        (Not(Present("glue2serviceid")), 3),
        (Not(Extensible()), 0),
        (Or((Extensible(), Present("glue2serviceid"))), 1),
        (And(()), 4),
        (Or(()), 0),
        (AtLeast("glue2endpointinterfaceversion", "1.0"), 1),
        (AtMost("glue2endpointinterfaceversion", "1.0"), 0),
    ],
)
def test_each_filter(chosen: Filter, count: int) -> None:
    assert len(found(tree(), chosen)) == count


def test_numbers_compare_as_numbers() -> None:
    made = Tree()
    made.replace("a", [make_entry(f"cn={number}", [("n", str(number))]) for number in (2, 10, 100)])
    assert found(made, AtLeast("n", "10"), base="") == {"cn=10", "cn=100"}


def test_an_attribute_outside_the_schema_is_neither_true_nor_false() -> None:
    asked = Search("", Scope.SUBTREE, 0, 0, False, Not(Equal("nonsense", "x")), ())
    assert not search(tree(), asked, lambda name: name != "nonsense").entries


def test_a_missing_base_tells_how_far_it_exists() -> None:
    asked = Search(f"cn=no,{KISTI}", Scope.BASE, 0, 0, False, Present("objectclass"), ())
    answer = search(tree(), asked)
    assert (answer.result, answer.matched) == (Result.NO_SUCH_OBJECT, "GLUE2DomainID=KISTI,o=glue")


def test_what_did_not_change_stays_the_same_object() -> None:
    made = Tree()
    made.replace("a", suffix("a", "x", "y"))
    before = made.get("cn=x,o=a")
    replaced = made.replace("a", suffix("a", "x", "z"))
    assert made.get("cn=x,o=a") is before
    assert (replaced.added, replaced.removed) == (1, 1)


def test_two_sources_of_one_name_do_not_mix() -> None:
    made = Tree()
    made.replace("a", suffix("site", "x"))
    replaced = made.replace("b", suffix("site", "y"))
    assert [each.reason for each in replaced.rejected] == ["another source has an entry of that name"]
    assert found(made, Present("cn"), base="") == {"cn=x,o=site", "cn=y,o=site"}
    made.remove("a")
    assert made.replace("b", suffix("site", "y")).rejected == ()


def test_an_entry_that_hangs_in_the_air_is_rejected_and_named() -> None:
    replaced = Tree().replace("a", [make_entry("cn=x,o=nowhere", [("cn", "x")])])
    assert [(each.dn, each.reason) for each in replaced.rejected] == [("cn=x,o=nowhere", "there is no entry above it")]


def test_order_of_a_source_does_not_matter() -> None:
    made = Tree()
    assert not made.replace("a", list(reversed(suffix("a", "x", "y")))).rejected


states = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.lists(st.sampled_from("xyz"), unique=True),
        st.sampled_from(["1", "2", "Two  Words"]),
    ),
    max_size=12,
)


@given(states, st.lists(st.sampled_from(["cn", "v", "o"]), max_size=3))
def test_indexes_always_say_what_the_entries_say(changes: list[tuple[str, list[str], str]], warm: list[str]) -> None:
    made = Tree()
    truth: dict[str, Sequence[Entry]] = {}
    for attribute in warm:
        made.matching(attribute, "x")
    for source, below, value in changes:
        entries = [
            make_entry(f"o={source}", [("o", source), ("v", value)]),
            *(make_entry(f"cn={each},o={source}", [("cn", each), ("v", value), ("v", each)]) for each in below),
        ]
        assert not made.replace(source, entries).rejected
        truth[source] = entries
        made.matching("v", "1")
    expected = {entry.key: entry for entries in truth.values() for entry in entries}
    assert {entry.key for entry in made.subtree("")} == set(expected)
    assert len(made) == len(expected)
    for attribute in ("cn", "v", "o"):
        assert {entry.key for entry in made.having(attribute)} == {
            key for key, entry in expected.items() if entry.values(attribute)
        }
        for value in ("x", "y", "1", "two words", "a"):
            assert {entry.key for entry in made.matching(attribute, value)} == {
                key
                for key, entry in expected.items()
                if value in [fold(attribute, each) for each in entry.values(attribute)]
            }
    for key in expected:
        below_it = {each for each in expected if parent(each) == key}
        assert {entry.key for entry in made.children(key)} == below_it
        assert made.size(key) == len(below_it)
