"""How the OCCI library refuses: wire input that does not parse, and categories or values that do not fit together."""

from hansa.standards.errors import StandardError


class ParseError(StandardError):
    """A rendering that cannot be read.

    Codes: `occi.text.syntax`, `occi.json.syntax`, `occi.uri_list.syntax`, `occi.too_large`.
    """


class ModelError(StandardError):
    """Categories or values against the rules of the core model (GFD.221).

    Codes: `occi.model.duplicate`, `occi.model.unknown`, `occi.model.cycle`, `occi.model.name`, `occi.entity.kind`,
    `occi.entity.target`, `occi.attribute.value`.
    """
