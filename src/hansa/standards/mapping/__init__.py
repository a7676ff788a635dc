"""Keystone's mapping rules: from what an identity provider says of somebody to a user, groups and projects of this site.

Schema versions 1.0, 2.0 and 3.0, compatible with the RuleProcessor of Keystone 30 but for what
docs/decisions/0014-tokens-of-others.md lists. Regular expressions run in linear time (RE2).
"""

from hansa.standards.mapping.errors import MappingCode, MappingError
from hansa.standards.mapping.evaluate import check_assertion, evaluate
from hansa.standards.mapping.lint import Finding, lint
from hansa.standards.mapping.model import Domain, Group, Mapped, Project, Rules, User, UserType
from hansa.standards.mapping.parse import load_document, load_rules, parse_rules

__all__ = [
    "Domain",
    "Finding",
    "Group",
    "Mapped",
    "MappingCode",
    "MappingError",
    "Project",
    "Rules",
    "User",
    "UserType",
    "check_assertion",
    "evaluate",
    "lint",
    "load_document",
    "load_rules",
    "parse_rules",
]
