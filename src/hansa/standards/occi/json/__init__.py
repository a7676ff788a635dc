"""application/occi+json of OCCI 1.2 (GFD.226): attributes flat, link ends as objects, everything typed."""

from hansa.standards.occi.json import rocci4
from hansa.standards.occi.json.reader import parse
from hansa.standards.occi.json.writer import (
    render_entities,
    render_entity,
    render_invocation,
    render_locations,
    render_model,
)

MEDIA_TYPE = "application/occi+json"

__all__ = [
    "MEDIA_TYPE",
    "parse",
    "render_entities",
    "render_entity",
    "render_invocation",
    "render_locations",
    "render_model",
    "rocci4",
]
