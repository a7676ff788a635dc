"""Policy blobs (`/v3/policies`): kept for services that fetch theirs here; this Keystone does not read them."""

from hansa.site.keystone.policies.service import Policies
from hansa.site.keystone.policies.store import Policy

__all__ = ["Policies", "Policy"]
