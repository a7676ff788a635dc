"""Who is calling, and what may they do here: credential -> Principal -> policy -> Caller.

Faces call `Identity.caller(scope)` and nothing else; they never look at certificates, passwords or tokens.
"""

from hansa.site.identity.model import Federation, Grant, Membership, Principal
from hansa.site.identity.service import Authenticator, Identity

__all__ = ["Authenticator", "Federation", "Grant", "Identity", "Membership", "Principal"]
