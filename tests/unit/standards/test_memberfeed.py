"""The member feed: one encoding, strict reading, and documents that are good for one question only."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.memberfeed import CA, entry, feed_key, key_set, page, told, uid

from hansa.standards.errors import StandardError
from hansa.standards.jwt import JwtError, sign
from hansa.standards.memberfeed import (
    MAX_DOCUMENT,
    MAX_PAGE,
    Certificate,
    Entry,
    FeedError,
    Gone,
    Kind,
    Login,
    MemberState,
    Wish,
    clean,
    open_document,
    parse_entry,
    parse_page,
    render_entry,
    render_page,
    scope_of,
    sign_document,
    state_digest,
)
from hansa.standards.memberfeed.codec import canonical
from hansa.standards.x509 import Name

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
NONCE = "a-nonce-of-the-site-itself"
KEY = feed_key()
ISSUER, SITE = "https://federation.example.org", "SITE-A"

LETTERS = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])
words = st.text(LETTERS, max_size=60)
part = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,10}", fullmatch=True)
names = st.lists(st.text(LETTERS, min_size=1, max_size=20), min_size=1, max_size=4).map(
    lambda values: Name.of(*(("CN", value) for value in values)).rfc4514()
)
entries = st.builds(
    entry,
    st.integers(0, 1 << 40),
    vo=st.just("demo"),
    name=words,
    mail=words,
    state=st.sampled_from(MemberState),
    reason=words,
    until=st.none() | st.datetimes(timezones=st.just(UTC)),
    certificates=st.lists(st.builds(Certificate, names, names, st.booleans()), max_size=3).map(tuple),
    logins=st.lists(st.builds(Login, words.filter(bool), words.filter(bool), st.booleans()), max_size=3).map(tuple),
    groups=st.lists(part.map(lambda name: f"/demo/{name}"), max_size=3).map(tuple),
    roles=st.lists(part.map(lambda name: f"/demo/Role={name}"), max_size=3).map(tuple),
)


@given(entries)
def test_an_entry_is_read_as_it_was_written(member: Entry) -> None:
    assert parse_entry(render_entry(member)) == member


@given(st.lists(entries, max_size=4, unique_by=lambda each: each.uid))
def test_a_page_is_read_as_it_was_written(members: list[Entry]) -> None:
    written = page(*members, Gone("demo", uid(1 << 41)), state=7)
    assert parse_page(render_page(written)) == written
    assert render_page(written) == canonical(json.loads(render_page(written)))


@given(st.binary(max_size=200) | words.map(str.encode))
def test_what_is_no_page_is_refused_and_nothing_else_happens(text: bytes) -> None:
    with pytest.raises(FeedError):
        parse_page(text)


@given(
    st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | words, lambda inner: st.lists(inner, max_size=3)),
    st.data(),
)
def test_a_page_with_any_member_replaced_is_refused_or_still_a_page(value: Any, data: st.DataObject) -> None:
    document = json.loads(render_page(page(entry(1), Gone("demo", uid(2)))))
    target = data.draw(st.sampled_from([document, document["members"][0], document["members"][0]["x509"][0]]))
    target[data.draw(st.sampled_from(sorted(target)))] = value
    try:
        read = parse_page(canonical(document))
    except FeedError:
        return
    assert render_page(read) == canonical(document)


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    document = json.loads(render_page(page(entry(1), Gone("demo", uid(2)), head=9)))
    change(document)
    return canonical(document)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda d: d.update(format=2), "memberfeed.version"),
        (lambda d: d.update(format=True), "memberfeed.version"),
        (lambda d: d.update(extra=1), "memberfeed.syntax"),
        (lambda d: d.pop("head"), "memberfeed.syntax"),
        (lambda d: d.update(kind="rumour"), "memberfeed.syntax"),
        (lambda d: d.update(sequence=10), "memberfeed.syntax"),
        (lambda d: d.update(previous=-1), "memberfeed.syntax"),
        (lambda d: d.update(previous=True), "memberfeed.syntax"),
        (lambda d: d.update(sequence=1 << 63, head=1 << 63), "memberfeed.syntax"),
        (lambda d: d.update(previous=3), "memberfeed.syntax"),
        (lambda d: d.update(more=True), "memberfeed.syntax"),
        (lambda d: d.update(state=None), "memberfeed.syntax"),
        (lambda d: d.update(more=True, state=None, sequence=0), "memberfeed.syntax"),
        (lambda d: d.update(vos=["demo", "demo"]), "memberfeed.syntax"),
        (lambda d: d.update(vos=["z", "demo"]), "memberfeed.syntax"),
        (lambda d: d.update(vos=["../../etc"]), "memberfeed.syntax"),
        (lambda d: d.update(vos=["other"]), "memberfeed.foreign_vo"),
        (lambda d: d["members"].append(d["members"][0]), "memberfeed.syntax"),
        (lambda d: d["members"][0].update(groups=["/other"]), "memberfeed.foreign_vo"),
        (lambda d: d["members"][0].update(roles=["/other/Role=x"]), "memberfeed.foreign_vo"),
        (lambda d: d["members"][0].update(roles=["/demo"]), "memberfeed.syntax"),
        (lambda d: d["members"][0].update(uid="1"), "memberfeed.syntax"),
        (lambda d: d["members"][0].update(name="a\nb"), "memberfeed.syntax"),
        (lambda d: d["members"][0].update(name="x" * 201), "memberfeed.syntax"),
        (lambda d: d["members"][0].update(until="2026-01-01T00:00:00Z"), "memberfeed.syntax"),
        (lambda d: d["members"][0].update(until="2026-01-01T00:00:00+09:00"), "memberfeed.syntax"),
        (lambda d: d["members"][0].update(until=5), "memberfeed.syntax"),
        (lambda d: d["members"][0].update(gone=True), "memberfeed.syntax"),
        (lambda d: d["members"][1].update(gone=False), "memberfeed.syntax"),
        (lambda d: d["members"][0]["x509"][0].update(subject_slash="/CN=Another"), "memberfeed.syntax"),
        (lambda d: d["members"][0]["x509"][0].update(subject="cn=lower case"), "memberfeed.syntax"),
        (lambda d: d["members"][0]["x509"][0].update(subject="no name"), "memberfeed.syntax"),
        (lambda d: d["members"][0]["x509"][0].update(subject="", subject_slash=""), "memberfeed.syntax"),
        (lambda d: d["members"][0].update(x509=d["members"][0]["x509"] * 101), "memberfeed.too_large"),
        (lambda d: d["members"][0]["oidc"][0].update(sub=""), "memberfeed.syntax"),
        (lambda d: d.update(members=d["members"] * 600), "memberfeed.too_large"),
    ],
)
def test_each_rule_of_a_page(change: Callable[[dict[str, Any]], object], code: str) -> None:
    with pytest.raises(FeedError) as refused:
        parse_page(changed(change))
    assert refused.value.code == code


@pytest.mark.parametrize(
    "text",
    [b" {}", b'{"a":1,"a":1}', b"[" * 100_000, b'{"a":' * 2000, b"1" * 5000, b'{"b":1,"a":1}', b"\xff", b'{"a":NaN}'],
)
def test_there_is_one_encoding(text: bytes) -> None:
    with pytest.raises(FeedError):
        parse_page(text)


def test_sizes_are_bounded_before_anything_is_read() -> None:
    with pytest.raises(FeedError) as refused:
        parse_page(b"x" * (MAX_PAGE + 1))
    assert refused.value.code == "memberfeed.too_large"
    with pytest.raises(FeedError) as refused:
        open_document(b"x" * (MAX_DOCUMENT + 1), key_set(KEY), issuer=ISSUER, audience=SITE, nonce=NONCE, now=NOW)
    assert refused.value.code == "memberfeed.too_large"


@given(st.text())
def test_whatever_somebody_is_called_can_be_told_once_cleaned(text: str) -> None:
    member = entry(1, name=clean(text, 200))
    assert parse_entry(render_entry(member)) == member


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=30))
def test_the_digest_of_a_state_does_not_depend_on_the_way_to_it(steps: list[tuple[int, bool]]) -> None:
    held: dict[int, int] = {}
    followed = 0
    for number, present in steps:
        before = held.pop(number, None)
        if present:
            held[number] = told(entry(number)).digest
        after = held.get(number)
        followed = state_digest(
            followed,
            added=[] if after is None else [after],
            removed=[] if before is None else [before],
        )
    assert followed == state_digest(0, added=held.values())


def document(**changes: Any) -> bytes:
    fields: dict[str, Any] = {"issuer": ISSUER, "audience": SITE, "nonce": NONCE, "now": NOW}
    return sign_document(render_page(page(entry(1))), KEY, **fields | changes)


def opened(text: bytes, **changes: Any) -> object:
    fields: dict[str, Any] = {"issuer": ISSUER, "audience": SITE, "nonce": NONCE, "now": NOW}
    return open_document(text, key_set(KEY), **fields | changes)


def test_a_document_says_what_was_signed_and_when() -> None:
    found = open_document(document(), key_set(KEY), issuer=ISSUER, audience=SITE, nonce=NONCE, now=NOW)
    assert found.page == page(entry(1))
    assert found.issued == NOW


@pytest.mark.parametrize(
    ("made", "code"),
    [
        ({"issuer": "https://federation.example.org/"}, "jwt.issuer"),
        ({"audience": "SITE-B"}, "jwt.audience"),
        ({"nonce": "a-nonce-of-another-question"}, "memberfeed.nonce"),
        ({"now": NOW - timedelta(hours=1)}, "jwt.expired"),
        ({"now": NOW + timedelta(hours=1)}, "jwt.not_yet_valid"),
    ],
)
def test_a_document_for_others_or_of_another_time_is_refused(made: dict[str, Any], code: str) -> None:
    with pytest.raises(StandardError) as refused:
        opened(document(**made))
    assert refused.value.code == code


def test_a_page_under_another_signature_is_refused() -> None:
    line, _, _ = document().partition(b"\n")
    with pytest.raises(FeedError) as refused:
        opened(line + b"\n" + render_page(page(entry(2))))
    assert refused.value.code == "memberfeed.altered"


def test_another_federations_key_and_another_kind_of_token_are_refused() -> None:
    with pytest.raises(JwtError) as refused:
        open_document(document(), key_set(feed_key()), issuer=ISSUER, audience=SITE, nonce=NONCE, now=NOW)
    assert refused.value.code == "jwt.unknown_key"
    stolen = sign({"iss": ISSUER, "aud": SITE, "exp": int(NOW.timestamp()) + 60, "nonce": NONCE}, KEY, "at+jwt")
    with pytest.raises(JwtError) as refused:
        opened(stolen.encode() + b"\n{}")
    assert refused.value.code == "jwt.type"


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_document_with_any_byte_changed_is_refused(place: int, bit: int) -> None:
    text = bytearray(document())
    text[place % len(text)] ^= bit
    with pytest.raises(StandardError):
        opened(bytes(text))


@given(st.binary(max_size=300))
def test_rubbish_is_refused(text: bytes) -> None:
    with pytest.raises(StandardError):
        opened(text)


wishes = st.builds(
    Wish,
    nonce=st.from_regex(r"[A-Za-z0-9_-]{16,64}", fullmatch=True),
    after=st.integers(0, 10**19 - 1),
    lineage=st.from_regex(r"[A-Za-z0-9_-]{0,64}", fullmatch=True),
    scope=st.lists(part).map(scope_of),
    snapshot=st.booleans(),
)


@given(wishes)
def test_a_wish_is_read_as_it_was_written(wish: Wish) -> None:
    assert Wish.parse(wish.fields()) == wish


@pytest.mark.parametrize(
    "change", [{"after": "-1"}, {"after": "01"}, {"after": 5}, {"nonce": "short"}, {"snapshot": "yes"}, {"scope": "G"}]
)
def test_each_rule_of_a_wish(change: dict[str, Any]) -> None:
    with pytest.raises(FeedError) as refused:
        Wish.parse(Wish(NONCE).fields() | change)
    assert refused.value.code == "memberfeed.wish"


def test_a_snapshot_is_a_kind_of_page() -> None:
    written = page(entry(1), kind=Kind.SNAPSHOT, head=20, more=True, state=None)
    assert parse_page(render_page(written)) == written
    assert CA in render_page(written).decode()
