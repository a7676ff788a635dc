"""LDIF as providers print it, and as we print it."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.standards.ldif import LdifError, Record, parse_ldif, render_ldif, values_by_name

names = st.sampled_from(["GLUE2EntityName", "o", "objectClass"])
values = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
pairs = st.lists(st.tuples(names, values), min_size=1, max_size=6)


@given(st.lists(st.tuples(values, pairs), max_size=5))
def test_what_is_written_is_read_back(entries: list[tuple[str, list[tuple[str, str]]]]) -> None:
    read = parse_ldif(render_ldif(entries))
    assert not read.problems
    assert [(record.dn, list(record.attributes)) for record in read.records] == entries


def one(text: str) -> Record:
    read = parse_ldif(text.encode())
    assert not read.problems
    [record] = read.records
    return record


def test_lines_end_and_fold_as_they_like() -> None:
    folded = "dn: o=gl\r\n ue\r\nobjectClass: organiz\r\n ation\r\no: glue\r\n"
    assert one(folded) == Record("o=glue", (("objectClass", "organization"), ("o", "glue")), 1)


def test_dn_inside_a_value_does_not_begin_an_entry() -> None:
    record = one("dn: o=glue\nGLUE2EntityOtherInfo: hostdn: /C=KR/CN=x dn: y\n")
    assert record.attributes == (("GLUE2EntityOtherInfo", "hostdn: /C=KR/CN=x dn: y"),)


def test_base64_comments_and_the_version_line() -> None:
    coded = base64.b64encode("한국".encode()).decode()
    record = one(f"version: 1\n# a comment\ndn: o=glue\n# another\no:: {coded}\n")
    assert values_by_name(record) == {"o": ("한국",)}


@pytest.mark.parametrize(
    ("block", "line"),
    [
        ("o: glue", 4),
        ("dn: o=x\nchangetype: add\no: x", 5),
        ("dn: o=x", 4),
        ("dn: o=x\nno colon", 5),
        ("dn: o=x\no:: ???", 5),
        ("dn: o=x\no:< file:///etc/passwd", 5),
        ("dn: o=x\nobject class: y", 5),
    ],
)
def test_a_broken_entry_is_told_by_its_line_and_the_others_stay(block: str, line: int) -> None:
    good = "dn: o=a\no: a\n\n"
    read = parse_ldif(f"{good}{block}\n\n{good}".encode())
    assert [record.dn for record in read.records] == ["o=a", "o=a"]
    assert [problem.line for problem in read.problems] == [line]


def test_bytes_that_are_no_text_spoil_one_entry_only() -> None:
    read = parse_ldif(b"dn: o=a\no: \xff\n\ndn: o=b\no: b\n")
    assert [record.dn for record in read.records] == ["o=b"]
    assert len(read.problems) == 1


def test_a_gigabyte_is_not_read() -> None:
    with pytest.raises(LdifError):
        parse_ldif(b"dn: o=a\n", limit=4)


@given(st.binary(max_size=400))
def test_random_bytes_never_do_more_than_be_refused(data: bytes) -> None:
    parse_ldif(data)
