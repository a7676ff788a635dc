"""JSON as GFD.226 has it, and the nested variant of rOCCI 4 under the same media type."""

from json import loads

import pytest

from hansa.standards.occi import (
    Attribute,
    AttributeType,
    Kind,
    Link,
    Mixin,
    ParseError,
    Resource,
    entities_of,
    invocation_of,
    json,
    references_of,
)

INFRA = "http://schemas.ogf.org/occi/infrastructure#"


def test_a_resource_in_a_collection_with_nested_attributes() -> None:
    body = b"""{"resources": [{"kind": "http://a#compute", "mixins": ["http://b#tpl"], "id": "1",
      "attributes": {"occi": {"core": {"id": "1", "title": "t"}, "compute": {"cores": 2, "memory": 4.5}}},
      "links": [{"kind": "http://a#networkinterface", "id": "2", "rel": "http://a#network", "source": "/compute/1",
                 "target": "/network/1", "attributes": {"occi": {"core": {"id": "2", "target": "/network/1"}}}}]}]}"""
    link = Link("http://a#networkinterface", "/network/1", "/compute/1", "http://a#network", id="2")
    assert entities_of(json.parse(body)) == (
        Resource(
            "http://a#compute",
            ("http://b#tpl",),
            "1",
            title="t",
            attributes={"occi.compute.cores": 2, "occi.compute.memory": 4.5},
            links=(link,),
        ),
    )


def test_a_link_with_ends_as_objects() -> None:
    body = b"""{"kind": "http://a#storagelink", "id": "2", "source": {"location": "/compute/1", "kind": "http://a#compute"},
                "target": {"location": "/storage/1"}}"""
    assert entities_of(json.parse(body)) == (
        Link("http://a#storagelink", "/storage/1", "/compute/1", source_kind="http://a#compute", id="2"),
    )


def test_flat_attributes_keep_objects_as_values() -> None:
    body = b'{"kind": "http://a#b", "attributes": {"occi.x.rules": {"port": "22"}, "occi.y": [1]}}'
    assert entities_of(json.parse(body))[0].attributes == {"occi.x.rules": {"port": "22"}, "occi.y": [1]}


def test_a_nested_model_with_related_is_read() -> None:
    body = b"""{"kinds": [{"related": ["http://c#resource"], "term": "storage", "scheme": "http://a#", "location": "/storage/",
      "attributes": {"occi": {"storage": {"size": {"type": "number", "mutable": true, "required": false, "pattern": "x"}}}}}],
      "actions": [{"term": "stop", "scheme": "http://a/action#", "attributes": {"method": {"type": "string",
      "mutable": true}}}]}"""
    kind, action = json.parse(body).categories
    size = Attribute("occi.storage.size", AttributeType.NUMBER, pattern="x")
    assert kind == Kind("storage", "http://a#", "", "http://c#resource", (size,), (), "/storage/")
    assert action.attributes == (Attribute("method"),)


def test_rocci_4_is_told_what_is_related_and_patterns_as_plain_expressions() -> None:
    """One attribute it cannot read costs it the whole model."""
    mixin = Mixin("x", "http://a#", depends=("http://a#os_tpl",), location="/x/")
    assert b"related" not in json.render_model([mixin])
    (found,) = loads(json.rocci4.render_model([mixin]))["mixins"]
    assert (found["related"], found["attributes"]) == (["http://a#os_tpl"], {})
    kind = Kind("y", "http://a#", attributes=(Attribute("a.b", choices=("up", "down")), Attribute("a.c", minimum=1)))
    (found,) = loads(json.rocci4.render_model([kind]))["kinds"]
    assert found["attributes"]["a.b"]["pattern"] == "up|down"
    assert "pattern" not in found["attributes"]["a.c"]


def test_rocci_4_gets_an_entity_it_would_have_written_itself() -> None:
    link = Link("http://a#link", "/network/1", "/compute/1", "http://a#network", id="2", attributes={"a.b": 1})
    machine = Resource(
        "http://a#compute", id="1", title="t", attributes={"x.state": "up", "x.state.message": "m"}, links=(link,)
    )
    document = loads(json.rocci4.render_entity(machine))
    (found,), (beside,) = document["resources"], document["links"]
    assert found["attributes"] == {"occi": {"core": {"id": "1", "title": "t"}}, "x": {"state": "up"}}
    assert found["links"] == [beside["id"]] == ["2"]
    assert (beside["target"], beside["rel"]) == ("/network/1", "http://a#network")
    assert entities_of(json.parse(json.rocci4.render_entity(link))) == (link,)


def test_mutable_is_false_unless_said() -> None:
    (kind,) = json.parse(b'{"kinds": [{"term": "a", "scheme": "b#", "attributes": {"x.y": {}}}]}').categories
    assert not kind.attributes[0].mutable


def test_an_empty_collection_names_itself() -> None:
    assert json.render_entities([]) == b'{"resources":[]}'
    assert json.render_entities([], links=True) == b'{"links":[]}'


def test_an_invocation_and_references() -> None:
    body = b'{"action": "http://a/action#stop", "attributes": {"method": "graceful"}}'
    assert invocation_of(json.parse(body)).attributes == {"method": "graceful"}
    body = b'{"resources": ["/compute/1", {"kind": "http://a#compute", "id": "2"}]}'
    assert references_of(json.parse(body)) == ("/compute/1", "2")
    assert references_of(json.parse(b'["/compute/1"]')) == ("/compute/1",)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nothing",
        b"1",
        b"\xff",
        b'{"kind": 1}',
        b'{"kind": "a#b", "kind": "a#b"}',
        b'{"kind": "a#b", "attributes": {"x.y": NaN}}',
        b'{"kind": "a#b", "attributes": []}',
        b'{"kind": "a#b", "attributes": {"x": {"y": 1}, "x.y": 2}}',
        b'{"kind": "a#b", "title": "\\ud800"}',
        b'{"kind": "a#b", "mixins": "c#d"}',
        b'{"kind": "a#b", "links": [{"kind": "c#d"}]}',
        b'{"action": "stop"}',
        b'{"mixins": ["stop"]}',
        b'{"kinds": [{"term": "a"}]}',
        b'{"kinds": [{"term": "a", "scheme": "b#", "attributes": {"x": {"type": "blob"}}}]}',
        b'{"kinds": [{"term": "a", "scheme": "b#", "attributes": {"x": {"pattern": {"minimum": "1"}}}}]}',
        b'{"resources": {}}',
        b'{"resources": [1]}',
    ],
)
def test_what_is_not_of_the_rendering_is_refused(body: bytes) -> None:
    with pytest.raises(ParseError) as refusal:
        json.parse(body)
    assert refusal.value.code == "occi.json.syntax"


def test_a_syntax_error_has_its_place() -> None:
    with pytest.raises(ParseError, match="line 2, column 3"):
        json.parse(b'{"kind":\n  !}')
