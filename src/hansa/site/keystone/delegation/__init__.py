"""Acting for somebody else, within bounds: application credentials (a program for its user) and trusts (a user for another)."""

from hansa.site.keystone.delegation.applications import Applications
from hansa.site.keystone.delegation.holders import Holders
from hansa.site.keystone.delegation.model import AccessRule, ApplicationCredential, Bounds, Trust
from hansa.site.keystone.delegation.trusts import Trusts

__all__ = ["AccessRule", "ApplicationCredential", "Applications", "Bounds", "Holders", "Trust", "Trusts"]
