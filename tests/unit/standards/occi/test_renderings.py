"""Every rendering reads back what it writes, and refuses everything else in one way only."""

import contextlib
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.standards.errors import StandardError
from hansa.standards.occi import (
    Action,
    Attribute,
    AttributeType,
    Entity,
    Invocation,
    Kind,
    Limits,
    Link,
    Mixin,
    ParseError,
    Resource,
    entities_of,
    invocation_of,
    json,
    patch_of,
    references_of,
    text_occi,
    text_plain,
    uri_list,
)

words = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,12}", fullmatch=True)
schemes = st.builds("http://example.org/{}#".format, words)
type_ids = st.builds("{}{}".format, schemes, words)
names = st.builds("{}.{}".format, st.sampled_from(("occi.compute", "org.hansa")), words)
lines = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=30)
clean = st.from_regex(r"([A-Za-z0-9()#:가-힣.]+( [A-Za-z0-9.]+){0,3})?", fullmatch=True)
numbers = st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)
scalars = lines | numbers | st.booleans()
paths = st.builds("/{}/{}".format, words, words)
attributes = st.dictionaries(names, scalars, max_size=5)

links = st.builds(
    Link,
    kind=type_ids,
    target=paths,
    source=st.none() | paths,
    target_kind=st.none() | type_ids,
    mixins=st.lists(type_ids, max_size=2).map(tuple),
    id=st.none() | words.map("id-{}".format),
    location=st.none() | paths,
    title=st.none() | lines,
    attributes=attributes,
)


def plain_links(link: Link, **without: Any) -> Link:
    return Link(**{name: getattr(link, name) for name in Link.__slots__} | without)


resources = st.builds(
    Resource,
    kind=type_ids,
    mixins=st.lists(type_ids, max_size=3).map(tuple),
    id=st.none() | words.map("id-{}".format),
    title=st.none() | lines,
    summary=st.none() | lines,
    attributes=attributes,
    links=st.lists(links, max_size=2).map(tuple),
)
text_definitions = st.lists(
    st.builds(Attribute, names, mutable=st.booleans(), required=st.booleans()), max_size=3, unique_by=lambda a: a.name
).map(tuple)
json_values = st.recursive(
    scalars, lambda below: st.lists(below, max_size=2) | st.dictionaries(words, below, max_size=2), max_leaves=4
)
json_definitions = st.lists(
    st.builds(
        Attribute,
        names,
        st.sampled_from(AttributeType),
        mutable=st.booleans(),
        required=st.booleans(),
        choices=st.lists(words, max_size=2).map(tuple),
        pattern=st.none() | words,
        minimum=st.none() | st.integers(0, 9),
        maximum=st.none() | st.floats(0, 9),
        default=st.none() | json_values,
        description=lines,
    ),
    max_size=3,
    unique_by=lambda a: a.name,
).map(tuple)
ids = st.lists(type_ids, max_size=2).map(tuple)


def categories(definitions: Any, titles: Any, depends: Any, applies: Any) -> Any:
    kinds = st.builds(Kind, words, schemes, titles, st.none() | type_ids, definitions, ids, st.none() | paths)
    mixins = st.builds(Mixin, words, schemes, titles, depends, applies, definitions, ids, st.none() | paths)
    actions = st.builds(Action, words, schemes, titles, definitions)
    return st.tuples(st.lists(kinds, max_size=2), st.lists(mixins, max_size=2), st.lists(actions, max_size=2)).map(
        lambda found: tuple(found[0] + found[1] + found[2])
    )


text_categories = categories(text_definitions, clean, st.lists(type_ids, max_size=1).map(tuple), st.just(()))
json_categories = categories(json_definitions, lines, ids, ids)


@given(resources)
def test_a_resource_reads_back_from_text_plain(resource: Resource) -> None:
    assert entities_of(text_plain.parse(text_plain.render_entity(resource))) == (resource,)


@given(resources)
def test_a_resource_reads_back_from_text_occi(resource: Resource) -> None:
    assert entities_of(text_occi.parse(text_occi.render_entity(resource))) == (resource,)


@given(links)
def test_a_link_reads_back_from_text(link: Link) -> None:
    """A link's own rendering has no place for its location and its target's kind."""
    link = plain_links(link, location=None, target_kind=None)
    assert entities_of(text_plain.parse(text_plain.render_entity(link))) == (link,)
    assert entities_of(text_occi.parse(text_occi.render_entity(link))) == (link,)


@given(resources | links)
def test_an_entity_reads_back_from_json(entity: Entity) -> None:
    """JSON has no place for a link's location."""
    if isinstance(entity, Link):
        entity = plain_links(entity, location=None)
    else:
        bare = tuple(plain_links(link, location=None) for link in entity.links)
        fields = {name: getattr(entity, name) for name in Resource.__slots__}
        entity = Resource(**fields | {"links": bare})
    (found,) = entities_of(json.parse(json.render_entity(entity)))
    assert _without_empty_texts(found) == _without_empty_texts(entity)


def _without_empty_texts(entity: Entity) -> dict[str, Any]:
    found = {name: getattr(entity, name) or None for name in type(entity).__slots__}
    found["links"] = [_without_empty_texts(link) for link in getattr(entity, "links", ())]
    return found


@given(text_categories)
def test_a_model_reads_back_from_text(found: Any) -> None:
    assert text_plain.parse(text_plain.render_model(found)).categories == found
    assert text_occi.parse(text_occi.render_model(found)).categories == found


@given(json_categories)
def test_a_model_reads_back_from_json(found: Any) -> None:
    assert json.parse(json.render_model(found)).categories == found


@given(st.builds(Invocation, type_ids, attributes))
def test_an_invocation_reads_back(invocation: Invocation) -> None:
    assert invocation_of(text_plain.parse(text_plain.render_invocation(invocation))) == invocation
    assert invocation_of(text_occi.parse(text_occi.render_invocation(invocation))) == invocation
    assert invocation_of(json.parse(json.render_invocation(invocation))) == invocation


@given(st.lists(paths).map(tuple))
def test_locations_read_back(locations: tuple[str, ...]) -> None:
    assert text_plain.parse(text_plain.render_locations(locations)).locations == locations
    assert text_occi.parse(text_occi.render_locations(locations)).locations == locations
    assert uri_list.parse(uri_list.render_locations(locations)).locations == locations
    assert json.parse(json.render_locations(locations)).locations == locations


fragments = st.sampled_from(
    ["Category: ", "Link: ", "X-OCCI-Attribute: ", "X-OCCI-Location: ", "compute", ";", 'scheme="http://a#"', '"', "\\", ",",
     'class="kind"', "<", ">", "/a?action=b", "=", "a.b", "1e999", "9" * 30, "\n", "\r", "\0", "OK", ":", "{", "[", "]", "}",
     '"kind"', '"attributes"', '"links"', '"resources"', '"mixins"', '"action"', "null", "-1", "NaN", "가"]
)  # fmt: skip
noise = st.lists(fragments | st.text(max_size=5), max_size=12).map("".join)


@given(noise.map(lambda text: text.encode(errors="replace")) | st.binary(max_size=60))
def test_noise_is_read_or_refused_never_an_accident(body: bytes) -> None:
    for parse in (text_plain.parse, uri_list.parse, json.parse):
        try:
            message = parse(body)
        except StandardError:
            continue
        for read in (entities_of, patch_of, invocation_of, references_of):
            try:
                read(message)
            except StandardError:
                continue


@given(st.lists(st.tuples(st.sampled_from(["Category", "LINK", "X-Occi-Attribute", "x-occi-location", "Via"]), noise)))
def test_noise_in_headers_is_read_or_refused(headers: list[tuple[str, str]]) -> None:
    with contextlib.suppress(ParseError):
        text_occi.parse(headers)


json_noise = st.recursive(
    st.none() | scalars,
    lambda below: st.lists(below, max_size=3)
    | st.dictionaries(
        st.sampled_from(["kind", "id", "title", "mixins", "attributes", "links", "resources", "kinds", "mixins", "actions",
                         "action", "term", "scheme", "source", "target", "type", "pattern", "enum", "occi", "x.y"]),
        below,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(json_noise)
def test_any_json_is_read_or_refused(document: Any) -> None:
    body = json.writer.dump(document)
    try:
        message = json.parse(body)
        patch_of(message)
        entities_of(message)
    except StandardError:
        return


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_written_without_exponent(number: float) -> None:
    body = text_plain.render_entity(Resource("http://a#b", attributes={"x.y": number}))
    assert b"e" not in body.rpartition(b"x.y=")[2]


def test_a_number_that_is_none_is_not_written() -> None:
    with pytest.raises(StandardError, match="finite"):
        text_plain.render_entity(Resource("http://a#b", attributes={"x.y": math.inf}))


@pytest.mark.parametrize(
    "body",
    [
        b"x" * 101,
        b"\n".join([b"X-OCCI-Location: /a"] * 5),
        b'X-OCCI-Attribute: a="' + b"x" * 31 + b'"',
        b"X-OCCI-Location: " + b"x" * 31,
    ],
)
def test_a_message_beyond_the_bounds_is_refused(body: bytes) -> None:
    with pytest.raises(ParseError):
        text_plain.parse(body, Limits(body_bytes=100, items=4, value_chars=30))


@pytest.mark.parametrize("body", [b"[" * 20_000 + b"]" * 20_000, b"[" * 17 + b"]" * 17, b'["' + b"x" * 70_000 + b'"]'])
def test_json_beyond_the_bounds_is_refused(body: bytes) -> None:
    with pytest.raises(ParseError):
        json.parse(body)
