"""LDAP v3 as a read-only server needs it (RFC 4511), and v2's searches: messages from bytes, answers to bytes.

Nothing that a peer sends is trusted: sizes, depths and counts are bounded, and lengths are definite.
"""

from hansa.standards.ldap.answers import (
    EntryEncoder,
    Result,
    attribute_block,
    render_result,
    search_done_control,
)
from hansa.standards.ldap.ber import frame
from hansa.standards.ldap.dn import normal, parent, rdns
from hansa.standards.ldap.errors import LdapCode, LdapError
from hansa.standards.ldap.filters import (
    And,
    Approx,
    AtLeast,
    AtMost,
    Equal,
    Extensible,
    Filter,
    Not,
    Or,
    Present,
    Substrings,
    fold,
)
from hansa.standards.ldap.requests import (
    Abandon,
    Bind,
    Change,
    Control,
    Extended,
    Operation,
    Request,
    Scope,
    Search,
    Unbind,
    parse_request,
)

__all__ = [
    "Abandon",
    "And",
    "Approx",
    "AtLeast",
    "AtMost",
    "Bind",
    "Change",
    "Control",
    "EntryEncoder",
    "Equal",
    "Extended",
    "Extensible",
    "Filter",
    "LdapCode",
    "LdapError",
    "Not",
    "Operation",
    "Or",
    "Present",
    "Request",
    "Result",
    "Scope",
    "Search",
    "Substrings",
    "Unbind",
    "attribute_block",
    "fold",
    "frame",
    "normal",
    "parent",
    "parse_request",
    "rdns",
    "render_result",
    "search_done_control",
]
