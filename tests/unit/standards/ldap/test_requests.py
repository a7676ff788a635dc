"""LDAP requests: what is read, what is refused, and that nothing else happens."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.ldap import bind, control, encoded, message, search, text

from hansa.standards.ldap import (
    Abandon,
    And,
    Approx,
    AtLeast,
    AtMost,
    Bind,
    Change,
    Control,
    Equal,
    Extended,
    Extensible,
    Filter,
    LdapCode,
    LdapError,
    Not,
    Or,
    Present,
    Request,
    Scope,
    Search,
    Substrings,
    Unbind,
    frame,
    parse_request,
)
from hansa.standards.ldap.ber import SEQUENCE, Reader, integer, tlv
from hansa.standards.ldap.filters import DEPTH_MAX, TERMS_MAX, parse_filter

EVERYTHING = Present("objectclass")

words = (
    st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)
    .map(str.lower)
    .filter(lambda word: word == word.lower() and " ".join(word.split()) == word)
)
names = st.sampled_from(["glue2endpointurl", "o", "objectclass"])
simple = st.one_of(
    st.builds(Equal, names, words),
    st.builds(AtLeast, names, words),
    st.builds(AtMost, names, words),
    st.builds(Approx, names, words),
    st.builds(Present, names),
    st.just(Extensible()),
    st.builds(Substrings, names, words, st.lists(words, max_size=3).map(tuple), words),
)
filters: st.SearchStrategy[Filter] = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, max_size=4).map(tuple)),
        st.builds(Or, st.lists(inner, max_size=4).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=12,
)


def refusal(data: bytes) -> str:
    with pytest.raises(LdapError) as refused:
        parse_request(data)
    return refused.value.code


@given(filters)
def test_every_filter_is_read_as_it_was_meant(term: Filter) -> None:
    assert parse_filter(Reader(encoded(term))) == term


def test_a_search_is_read() -> None:
    asked = search("o=glue", Scope.ONE, EVERYTHING, ["GLUE2EndpointURL", "*"], 7, True)
    operation = Search("o=glue", Scope.ONE, 7, 0, True, EVERYTHING, ("glue2endpointurl", "*"))
    assert parse_request(message(5, asked)) == Request(5, operation)


def test_values_are_folded_and_names_are_without_case_or_option() -> None:
    term = encoded(Equal("description;lang-ko", "  KISTI   Cloud "))
    assert parse_filter(Reader(term)) == Equal("description", "kisti cloud")


def test_glue_2_tells_capital_letters_apart() -> None:
    term = encoded(Equal("GLUE2EntityName", "KISTI  Cloud"))
    assert parse_filter(Reader(term)) == Equal("glue2entityname", "KISTI Cloud")


def test_binds_of_both_kinds_are_read() -> None:
    assert parse_request(message(1, bind(2))).operation == Bind(2, "", b"")
    assert parse_request(message(1, bind(3, "cn=x", b"secret"))).operation == Bind(3, "cn=x", b"secret")
    assert parse_request(message(1, bind(sasl=True))).operation == Bind(3, "", None)
    assert "secret" not in repr(Bind(3, "cn=x", b"secret"))


def test_the_other_operations_are_read() -> None:
    assert parse_request(message(1, tlv(0x42, b""))).operation == Unbind()
    assert parse_request(message(1, tlv(0x50, b"\x07"))).operation == Abandon(7)
    assert parse_request(message(1, tlv(0x77, text("1.3.6", 0x80)))).operation == Extended("1.3.6")
    for change in Change:
        assert parse_request(message(1, tlv(change.value[0], b"x"))).operation is change


def test_controls_are_read() -> None:
    both = control("1.2.3", critical=True) + control("1.2.4", value=b"v")
    request = parse_request(message(1, tlv(0x42, b""), both))
    assert request.controls == (Control("1.2.3", True, b""), Control("1.2.4", False, b"v"))


def test_a_deep_filter_is_refused_before_it_is_walked() -> None:
    term = encoded(EVERYTHING)
    for _level in range(10_000):
        term = tlv(0xA2, term)
    assert refusal(message(1, tlv(0x63, search("", Scope.BASE, EVERYTHING)[2:15] + term))) in set(LdapCode)
    deep = encoded(EVERYTHING)
    for _level in range(DEPTH_MAX + 1):
        deep = tlv(0xA2, deep)
    with pytest.raises(LdapError) as refused:
        parse_filter(Reader(deep))
    assert refused.value.code == LdapCode.TOO_DEEP


def test_a_broad_filter_is_refused() -> None:
    with pytest.raises(LdapError) as refused:
        parse_filter(Reader(encoded(Or((EVERYTHING,) * TERMS_MAX))))
    assert refused.value.code == LdapCode.TOO_MANY


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", LdapCode.SYNTAX),
        (b"\x30\x80\x00\x00", LdapCode.SYNTAX),
        (message(1, tlv(0x42, b"")) + b"\0", LdapCode.SYNTAX),
        (tlv(SEQUENCE, tlv(0x02, b"\xff") + tlv(0x42, b"")), LdapCode.SYNTAX),
        (tlv(SEQUENCE, tlv(0x02, b"") + tlv(0x42, b"")), LdapCode.SYNTAX),
        (message(1, tlv(0x7F, b"")), LdapCode.SYNTAX),
        (message(1, tlv(0x6F, b"")), LdapCode.UNKNOWN),
        (message(1, tlv(0x60, integer(3) + text("") + tlv(0x81, b""))), LdapCode.SYNTAX),
        (message(1, tlv(0x50, b"")), LdapCode.SYNTAX),
        (message(1, tlv(0x42, b""), b"".join(control("1.2") for _each in range(17))), LdapCode.TOO_MANY),
    ],
)
def test_what_is_no_request_is_refused(data: bytes, code: LdapCode) -> None:
    assert refusal(data) == code


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_or_read(data: bytes) -> None:
    with suppress(LdapError):
        parse_request(data)


@given(st.data())
def test_a_damaged_request_is_refused_or_read(data: st.DataObject) -> None:
    request = bytearray(message(1, search("o=glue", Scope.SUBTREE, data.draw(filters), ["a"])))
    position = data.draw(st.integers(0, len(request) - 1))
    request[position] = data.draw(st.integers(0, 255))
    with suppress(LdapError):
        parse_request(bytes(request))


def test_messages_are_framed_as_they_come() -> None:
    whole = message(1, bind())
    for length in range(len(whole)):
        assert frame(whole[:length], 100) in (None, len(whole))
    assert frame(whole + b"more", 100) == len(whole)


@pytest.mark.parametrize("head", [b"G", b"\x31", b"\x30\x80", b"\x30\x85\0\0\0\0\1", b"\x30\x84\x7f\xff\xff\xff"])
def test_what_cannot_become_a_message_is_refused_at_its_head(head: bytes) -> None:
    with pytest.raises(LdapError):
        frame(head, 65_536)
