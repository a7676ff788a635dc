"""How a document of the member feed is refused."""

from hansa.standards.errors import StandardError


class FeedError(StandardError):
    """A page that is damaged, forged, for somebody else, or out of its place; codes begin with `memberfeed.`."""
