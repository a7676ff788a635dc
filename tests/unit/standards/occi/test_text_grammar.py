"""How real clients write text renderings, and where a mistake is pointed out."""

import pytest

from hansa.standards.occi import (
    Action,
    Attribute,
    Kind,
    Link,
    Mixin,
    ModelError,
    ParseError,
    Resource,
    build_model,
    classified,
    entities_of,
    invocation_of,
    json,
    patch_of,
    text_occi,
    text_plain,
)
from hansa.standards.occi.infrastructure import COMPUTE, CORE_KINDS, OS_TPL, RESTART, START, STOP, SUSPEND

CORE_ACTIONS = (START, STOP, RESTART, SUSPEND)
INFRA = "http://schemas.ogf.org/occi/infrastructure#"


def resource(body: bytes) -> Resource:
    (entity,) = entities_of(text_plain.parse(body))
    assert isinstance(entity, Resource)
    return entity


def test_a_machine_as_rocci_cli_asks_for_it() -> None:
    found = resource(
        b'Category: compute;scheme="http://schemas.ogf.org/occi/infrastructure#";class="kind"\n'
        b'Category: ubuntu;scheme="http://example.org/os_tpl#";class="mixin"\n'
        b'X-OCCI-Attribute: occi.core.id="a6db7064-543f-4eb3-9804-294fde5a2539"\n'
        b'X-OCCI-Attribute: occi.core.title="My VM"\n'
        b'X-OCCI-Attribute: occi.compute.hostname="My VM"\n'
        b'Link: </network/public>;rel="http://schemas.ogf.org/occi/infrastructure#network";self="/network/interface/1";'
        b'category="http://schemas.ogf.org/occi/infrastructure#networkinterface";occi.core.id="1"'
    )
    assert found.kind == INFRA + "compute"
    assert found.mixins == ("http://example.org/os_tpl#ubuntu",)
    assert (found.title, found.attributes) == ("My VM", {"occi.compute.hostname": "My VM"})
    (link,) = found.links
    assert (link.target, link.kind, link.location) == (
        "/network/public",
        INFRA + "networkinterface",
        "/network/interface/1",
    )


def test_the_same_in_headers_joined_or_repeated() -> None:
    headers = [
        ("Category", f'compute;scheme="{INFRA}";class="kind",small;scheme="http://example.org/tpl#";class="mixin"'),
        ("X-Occi-Attribute", 'occi.core.title="a, b; \\"c\\"",occi.compute.cores=2'),
        ("X-OCCI-ATTRIBUTE", "occi.compute.memory=0.5"),
        ("Accept", "text/occi"),
    ]
    (found,) = entities_of(text_occi.parse(headers))
    assert found.title == 'a, b; "c"'
    assert found.attributes == {"occi.compute.cores": 2, "occi.compute.memory": 0.5}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\r", "\n\n"])
def test_every_line_end_is_known(end: str) -> None:
    lines = [f'Category: compute; scheme="{INFRA}"; class="kind"', "X-OCCI-Attribute: occi.compute.cores=2"]
    assert resource(end.join(lines).encode()).attributes == {"occi.compute.cores": 2}


@pytest.mark.parametrize(
    "line",
    [
        'compute; scheme="http://a#"; class="kind";',
        "compute ; scheme = http://a# ; class = kind",
        '"compute"; scheme="http://a#"; class=kind',
        'term="compute"; class="KIND"; scheme="http://a#"',
        'compute; scheme="http://a#" class="kind"; colour="red"',
    ],
)
def test_the_notations_of_the_field_are_understood(line: str) -> None:
    assert text_plain.parse(b"category:" + line.encode()).categories == (Kind("compute", "http://a#"),)


def test_definitions_carry_what_text_can_say() -> None:
    line = (
        'Category: storage; scheme="http://a#"; class="kind"; title="Disk"; rel="http://b#resource"; location="/storage/"; '
        'attributes="occi.storage.size{required} occi.storage.state{immutable} x.y{immutable required} z"; '
        'actions="http://a#up http://a#down"'
    )
    (kind,) = text_plain.parse(line.encode()).categories
    assert kind == Kind(
        "storage",
        "http://a#",
        "Disk",
        "http://b#resource",
        (
            Attribute("occi.storage.size", required=True),
            Attribute("occi.storage.state", mutable=False),
            Attribute("x.y", mutable=False, required=True),
            Attribute("z"),
        ),
        ("http://a#up", "http://a#down"),
        "/storage/",
    )


def test_a_title_that_would_break_clients_is_cleaned() -> None:
    mixin = Mixin("x", "http://a#", 'Image: "Ubuntu"; 22.04,\n\tLTS\\ 한글')
    assert (
        text_plain.render_model([mixin])
        == 'Category: x; scheme="http://a#"; class="mixin"; title="Image: Ubuntu 22.04 LTS 한글"'.encode()
    )


def test_a_line_break_in_a_value_cannot_forge_a_line() -> None:
    body = text_plain.render_entity(Resource("http://a#b", attributes={"x.y": "1\nX-OCCI-Attribute: z=2"}))
    assert len(body.splitlines()) == 2


def test_a_forged_type_id_is_not_rendered() -> None:
    with pytest.raises(ModelError):
        text_plain.render_entity(Resource('http://a#b"; class="x'))


def test_links_and_action_links_are_told_apart() -> None:
    body = (
        b'Category: compute; scheme="http://a#"; class="kind"\n'
        b'Link: </compute/1?action=stop>; rel="http://a/action#stop"\n'
        b'Link: </storage/1>; rel="http://a#storage"; category="http://a#storagelink http://a#mix"; a.size=0.5; a.on=true'
    )
    found = resource(body)
    assert found.actions == ("http://a/action#stop",)
    assert found.links == (
        Link(
            "http://a#storagelink",
            "/storage/1",
            target_kind="http://a#storage",
            mixins=("http://a#mix",),
            attributes={"a.size": 0.5, "a.on": True},
        ),
    )


def test_a_link_of_its_own_is_known_by_its_ends() -> None:
    (link,) = entities_of(
        text_plain.parse(
            f'Category: storagelink; scheme="{INFRA}"; class="kind"\nX-OCCI-Attribute: occi.core.source="/compute/1", '
            'occi.core.target="/storage/2"'.encode()
        )
    )
    assert link == Link(INFRA + "storagelink", "/storage/2", "/compute/1")


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [
        (b"Category: ; scheme=x", 1, 10),
        (b"\nX-OCCI-Attribute: a", 2, 18),
        (b'X-OCCI-Attribute: a="b', 1, 18),
        (b'X-OCCI-Attribute: a=1\nX-OCCI-Attribute: a="2"', 2, 18),
        (b'Link: /a; rel="b"', 1, 6),
        (b'Link: </a?action=b>; rel=""', 1, 6),
        (b'Category: a; scheme="x#"; scheme="y#"', 1, 27),
        (b'Category: a; scheme="x#"; class="kind" what', 1, 39),
        (b'Category: a; scheme="x#"; class="thing"', 1, None),
        (b'Category: a; scheme="x#"; class=""', 1, None),
        (b'Category: a; class="kind"', 1, None),
        (b"X-OCCI-Location: /a b", 1, None),
        (b"X-OCCI-Attribute: a=\"\0\"", 1, None),
        (b"What: is this", 1, None),
        (b"nothing", 1, None),
        (b"X-OCCI-Location: /a\n\xff", 2, None),
    ],
)  # fmt: skip
def test_a_mistake_is_pointed_out(body: bytes, line: int, column: int | None) -> None:
    with pytest.raises(ParseError) as refusal:
        text_plain.parse(body)
    assert (refusal.value.code, refusal.value.line, refusal.value.column) == ("occi.text.syntax", line, column)


def test_an_entity_of_two_kinds_or_none_is_refused() -> None:
    two = b'Category: a; scheme="x#"; class="kind", b; scheme="x#"; class="kind"'
    for body in (two, b"", b'Category: a; scheme="x#"; class="mixin"'):
        with pytest.raises(ModelError, match="exactly one kind"):
            entities_of(text_plain.parse(body))


def test_a_change_needs_no_kind() -> None:
    text = patch_of(
        text_plain.parse(b'Category: big; scheme="x#"; class="mixin"\nX-OCCI-Attribute: occi.core.title="t"')
    )
    assert text == patch_of(json.parse(b'{"mixins": ["x#big"], "title": "t"}'))
    assert (text.mixins, text.title) == (("x#big",), "t")


def test_an_invocation_names_one_action() -> None:
    body = b'Category: stop; scheme="http://a/action#"; class="action"\nX-OCCI-Attribute: method="graceful"'
    assert invocation_of(text_plain.parse(body)).attributes == {"method": "graceful"}
    assert text_plain.parse(body).categories == (Action("stop", "http://a/action#"),)
    with pytest.raises(ModelError):
        invocation_of(text_plain.parse(b""))


def test_a_category_without_class_is_looked_up() -> None:
    """As the OCCI working group's tester writes them."""
    model = build_model([*CORE_KINDS, COMPUTE, OS_TPL, *CORE_ACTIONS], generation="1")
    message = text_occi.parse([("Category", f'compute;scheme="{INFRA}", os_tpl; scheme="{INFRA}"')])
    assert message.unclassed == (COMPUTE.id, OS_TPL.id)
    assert classified(message, model).categories == (Kind("compute", INFRA), Mixin("os_tpl", INFRA))
    with pytest.raises(ModelError, match="no category"):
        classified(text_occi.parse([("Category", 'x; scheme="http://a#"')]), model)
