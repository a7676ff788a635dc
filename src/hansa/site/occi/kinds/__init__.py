"""The kinds of entities this site has, each a translation between OCCI and the cloud's port."""

from collections.abc import Mapping
from typing import Any

from hansa.site.occi.handler import Handler
from hansa.site.occi.kinds.compute import Computes
from hansa.site.occi.kinds.links import Interfaces, StorageLinks
from hansa.site.occi.kinds.network import Networks
from hansa.site.occi.kinds.storage import Storages

HANDLERS: Mapping[str, Handler[Any]] = {
    handler.kind: handler for handler in (Computes(), Networks(), Storages(), Interfaces(), StorageLinks())
}
"""By the kind's type id. Which of them a site offers, its model says."""
