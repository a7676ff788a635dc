"""The embedded LDAP server: a tree of entries that comes from sources, searched in memory, read by anybody.

It serves the information system's three tiers (resource, site, top). A source's entries are replaced as one: a reader sees all of
a source's old state or all of its new one.
"""

from hansa.ldap.entry import Entry, Shape, make_entry
from hansa.ldap.search import Found, search
from hansa.ldap.server import LdapServer, Limits, serving
from hansa.ldap.tree import Rejected, Replaced, Tree

__all__ = [
    "Entry",
    "Found",
    "LdapServer",
    "Limits",
    "Rejected",
    "Replaced",
    "Shape",
    "Tree",
    "make_entry",
    "search",
    "serving",
]
