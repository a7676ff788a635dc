"""How user data and seed values are refused."""

from hansa.standards.errors import StandardError


class CloudInitError(StandardError):
    """User data or a seed value that no guest could use; codes begin with `cloudinit.`."""
