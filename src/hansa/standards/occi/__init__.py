"""OCCI 1.1 and 1.2 (GFD.183-185, GFD.221-229) as values: the core model, entities, and the renderings in both directions.

Server and client use the same codecs, each a module with `MEDIA_TYPE`, `parse` and `render_…`:
`text_plain`, `text_occi`, `uri_list`, `json`. The standard categories are in `infrastructure`.
"""

from hansa.standards.occi import json, text_occi, text_plain, uri_list
from hansa.standards.occi.entity import Entity, Invocation, Link, Resource
from hansa.standards.occi.errors import ModelError, ParseError
from hansa.standards.occi.message import (
    REQUEST_LIMITS,
    RESPONSE_LIMITS,
    Limits,
    Message,
    Patch,
    classified,
    entities_of,
    invocation_of,
    patch_of,
    references_of,
)
from hansa.standards.occi.model import (
    Action,
    Attribute,
    AttributeType,
    Category,
    Kind,
    Mixin,
    Model,
    Value,
    build_model,
    coerce,
    split_id,
)

__all__ = [
    "REQUEST_LIMITS",
    "RESPONSE_LIMITS",
    "Action",
    "Attribute",
    "AttributeType",
    "Category",
    "Entity",
    "Invocation",
    "Kind",
    "Limits",
    "Link",
    "Message",
    "Mixin",
    "Model",
    "ModelError",
    "ParseError",
    "Patch",
    "Resource",
    "Value",
    "build_model",
    "classified",
    "coerce",
    "entities_of",
    "invocation_of",
    "json",
    "patch_of",
    "references_of",
    "split_id",
    "text_occi",
    "text_plain",
    "uri_list",
]
