"""Everything the face says in JSON keeps to the schema of OCCI 1.2 (GFD.226), which allows nothing beside it."""

import json
from typing import Any

from jsonschema import Draft4Validator
from tests.support.occi import Client, line

JSON = "application/occi+json"
INFRA = "http://schemas.ogf.org/occi/infrastructure"
ID = {"type": "string", "pattern": r"^[^ #]+#[^ #]+$"}
TEXT = {"type": "string"}
VALUES = {"type": "object", "additionalProperties": {"type": ["number", "string", "boolean", "array", "object"]}}


def shape(required: str, /, **members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": required.split(), "additionalProperties": False}


def many(item: Any) -> dict[str, Any]:
    return {"type": "array", "items": item}


END = shape("location", location=TEXT, kind=ID)
LINK = shape(
    "kind id source target",
    kind=ID, id=TEXT, title=TEXT, mixins=many(ID), attributes=VALUES, actions=many(ID), source=END, target=END,
)  # fmt: skip
RESOURCE = shape(
    "kind id",
    kind=ID, id=TEXT, title=TEXT, summary=TEXT, mixins=many(ID), attributes=VALUES, actions=many(ID), links=many(LINK),
)  # fmt: skip
DEFINITIONS = {
    "type": "object",
    "additionalProperties": shape(
        "",
        mutable={"type": "boolean"},
        required={"type": "boolean"},
        type={"enum": ["string", "number", "boolean", "array", "object"]},
        pattern={"type": "object"},
        default={"type": ["number", "string", "boolean"]},
        description=TEXT,
    ),
}
CATEGORY: dict[str, Any] = {"term": TEXT, "scheme": TEXT, "title": TEXT, "attributes": DEFINITIONS}
PATH = {"type": "string", "pattern": "^/"}
MODEL = shape(
    "kinds mixins actions",
    kinds=many(shape("term scheme", **CATEGORY, parent=ID, actions=many(ID), location=PATH)),
    mixins=many(
        shape("term scheme location", **CATEGORY, depends=many(ID), applies=many(ID), actions=many(ID), location=PATH)
    ),
    actions=many(shape("term scheme", **CATEGORY)),
)


async def said(occi: Client, target: str) -> Any:
    reply = await occi("GET", target, accept=JSON)
    assert reply.status == 200
    return json.loads(reply.body)


def check(schema: dict[str, Any], document: Any) -> None:
    assert [f"{list(error.path)}: {error.message}" for error in Draft4Validator(schema).iter_errors(document)] == []


async def test_the_model(occi: Client) -> None:
    document = await said(occi, "/-/")
    check(MODEL, document)
    for category in (*document["kinds"], *document["mixins"], *document["actions"]):
        for definition in category.get("attributes", {}).values():
            Draft4Validator.check_schema(definition.get("pattern", {}))


async def test_every_kind_of_entity(occi: Client) -> None:
    made = await occi("POST", "/storage/", f"{line(f'{INFRA}#storage', 'kind')}\nX-OCCI-Attribute: occi.storage.size=1")
    volume = made.text.removeprefix("X-OCCI-Location: ")
    machine = await occi.machine(f'Link: <{volume}>; rel="{INFRA}#storage"; category="{INFRA}#storagelink"')
    check(RESOURCE, await said(occi, machine))
    for path in ("/compute/", "/network/", "/storage/"):
        check(shape("resources", resources=many(RESOURCE)), await said(occi, path))
    for path in ("/networkinterface/", "/storagelink/"):
        check(shape("links", links=many(LINK)), await said(occi, path))
    check(shape("resources links", resources=many(RESOURCE), links=many(LINK)), await said(occi, "/"))
