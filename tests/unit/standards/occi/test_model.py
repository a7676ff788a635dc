"""The registry of categories and the types of attributes (GFD.221)."""

from typing import Any

import pytest

from hansa.standards.occi import (
    Action,
    Attribute,
    AttributeType,
    Category,
    Kind,
    Mixin,
    ModelError,
    build_model,
    coerce,
    infrastructure,
    split_id,
)
from hansa.standards.occi.infrastructure import COMPUTE, CORE_KINDS, ENTITY, LINK, NETWORK, RESOURCE

ALL = tuple(value for value in vars(infrastructure).values() if isinstance(value, Kind | Mixin | Action))


def model_of(*categories: Category) -> Any:
    return build_model(categories, generation="1")


def test_the_standard_categories_fit_together() -> None:
    model = model_of(*ALL, *infrastructure.CRTP_TEMPLATES)
    assert model.by_location["/compute/"] is COMPUTE
    assert model.lineage[COMPUTE.id] == (COMPUTE.id, RESOURCE.id, ENTITY.id)
    assert {"occi.core.id", "occi.core.title", "occi.core.summary", "occi.compute.cores"} < set(
        model.attributes[COMPUTE.id]
    )
    assert model.is_a(infrastructure.STORAGELINK.id, LINK.id)
    assert not model.is_a(COMPUTE.id, LINK.id)
    assert model.kinds[:3] == CORE_KINDS
    assert model.kind(COMPUTE.id) is COMPUTE
    assert model.mixin(COMPUTE.id) is None
    assert model.action(infrastructure.START.id) is infrastructure.START


def test_no_short_name_is_ambiguous_to_clients() -> None:
    """rOCCI looks templates and actions up by `os_tpl#term` and by term alone."""
    actions = [c.term for c in ALL if isinstance(c, Action)]
    assert len(actions) == len(set(actions))
    assert [c.term for c in ALL].count("os_tpl") == 1


def test_only_what_clients_can_know_is_required() -> None:
    """pOCCI fills in these and stops at any other."""
    required = {a.name for c in ALL if isinstance(c, Kind) for a in c.attributes if a.required}
    assert required == {"occi.core.source", "occi.core.target", "occi.storage.size"}


def test_an_attribute_of_a_kind_hides_its_parents() -> None:
    child = Kind("child", "x#", parent=ENTITY.id, attributes=(Attribute("occi.core.title", required=True),))
    assert model_of(ENTITY, child).attributes[child.id]["occi.core.title"].required


def test_a_mixin_stands_for_all_it_depends_on_even_in_a_circle() -> None:
    a, b = Mixin("a", "x#", depends=("x#b",)), Mixin("b", "x#", depends=("x#a", "x#dangling"))
    assert model_of(a, b).lineage["x#a"] == ("x#a", "x#b", "x#dangling")


@pytest.mark.parametrize(
    ("categories", "code"),
    [
        ((ENTITY, ENTITY), "occi.model.duplicate"),
        ((Mixin("a", "x#", location="/l/"), Mixin("b", "x#", location="/l/")), "occi.model.duplicate"),
        ((RESOURCE,), "occi.model.unknown"),
        ((ENTITY, RESOURCE, NETWORK), "occi.model.unknown"),
        ((Kind("a", "x#", parent="x#b"), Kind("b", "x#", parent="x#a")), "occi.model.cycle"),
    ],
)
def test_categories_that_do_not_fit_are_refused(categories: tuple[Category, ...], code: str) -> None:
    with pytest.raises(ModelError) as refusal:
        model_of(*categories)
    assert refusal.value.code == code


INTEGER, NUMBER, BOOLEAN = AttributeType.INTEGER, AttributeType.NUMBER, AttributeType.BOOLEAN


@pytest.mark.parametrize(
    ("attribute", "value", "wanted"),
    [
        (Attribute("a"), "x", "x"),
        (Attribute("a"), 5, "5"),
        (Attribute("a"), True, "true"),
        (Attribute("a", INTEGER), "2", 2),
        (Attribute("a", INTEGER), 2.0, 2),
        (Attribute("a", NUMBER), "0.5", 0.5),
        (Attribute("a", NUMBER), 2, 2.0),
        (Attribute("a", BOOLEAN), "false", False),
        (Attribute("a", AttributeType.ARRAY), '[{"port": "22"}]', [{"port": "22"}]),
        (Attribute("a", AttributeType.OBJECT), {"b": 1}, {"b": 1}),
        (Attribute("a", choices=("x86", "x64")), "x64", "x64"),
        (Attribute("a", pattern="[a-z]+"), "abc", "abc"),
    ],
)
def test_values_are_read_in_the_attributes_type(attribute: Attribute, value: Any, wanted: Any) -> None:
    found = coerce(attribute, value)
    assert (found, type(found)) == (wanted, type(wanted))


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (Attribute("a"), ["x"]),
        (Attribute("a"), None),
        (Attribute("a", INTEGER), "two"),
        (Attribute("a", INTEGER), 2.5),
        (Attribute("a", INTEGER), True),
        (Attribute("a", INTEGER), 10**30),
        (Attribute("a", NUMBER), float("nan")),
        (Attribute("a", NUMBER), "1e99"),
        (Attribute("a", BOOLEAN), "yes"),
        (Attribute("a", AttributeType.ARRAY), "{}"),
        (Attribute("a", AttributeType.OBJECT), "["),
        (Attribute("a", choices=("x86", "x64")), "arch"),
        (Attribute("a", pattern="[a-z]+"), "abc1"),
        (Attribute("a", INTEGER, minimum=1), 0),
        (Attribute("a", INTEGER, maximum=4095), 4096),
    ],
)
def test_values_of_another_type_or_range_are_refused_by_name(attribute: Attribute, value: Any) -> None:
    with pytest.raises(ModelError, match="Attribute a must be") as refusal:
        coerce(attribute, value)
    assert refusal.value.code == "occi.attribute.value"


@pytest.mark.parametrize("type_id", ["", "compute", "#a", "http://a#", "http://a b#c", 'http://a#b"', "http://a#b\n"])
def test_what_is_no_type_id_is_refused(type_id: str) -> None:
    with pytest.raises(ModelError):
        split_id(type_id)
