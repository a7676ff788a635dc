"""What every kind of entity does for the service. One module a kind implements it over the cloud's port."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from hansa.cloud.model import FlavorId, ImageId
from hansa.site.occi.session import Session
from hansa.standards.occi import Entity, Mixin, Patch, Value

N = TypeVar("N")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of a kind: the part of a filter that the driver can answer. `limit` 0 means all."""

    image: ImageId | None = None
    flavor: FlavorId | None = None
    limit: int = 0
    offset: int = 0


class Handler(Protocol[N]):
    """`N` is what the cloud calls the entity. Every method raises `hansa.base.errors`."""

    @property
    def kind(self) -> str:
        """Type id."""

    @property
    def base(self) -> str:
        """Location of the kind; an entity's location is this and its id."""

    async def list(self, session: Session, selection: Selection) -> Sequence[N]:
        """In order of creation."""

    async def find(self, session: Session, ident: str) -> N: ...

    def ident(self, session: Session, native: N) -> str: ...

    def render(self, session: Session, native: N) -> Entity: ...

    async def create(self, session: Session, entity: Entity, request_id: str | None) -> N: ...

    async def update(self, session: Session, native: N, patch: Patch, *, whole: bool) -> None:
        """Apply a partial (`whole` false) or full representation: everything is checked before anything is changed."""

    async def check_delete(self, session: Session, native: N) -> None:
        """Refuse now what deletion would refuse later, so that a batch changes nothing."""

    async def delete(self, session: Session, native: N) -> None: ...

    async def gone(self, session: Session, native: N) -> bool:
        """Whether what was deleted has disappeared."""

    def applicable(self, session: Session, native: N) -> tuple[str, ...]:
        """Type ids of the actions that the entity's state allows."""

    async def act(self, session: Session, native: N, action: str, parameters: Mapping[str, Value]) -> Mixin | None:
        """Perform an action; `save` gives the template it made."""

    def settled(self, session: Session, native: N, action: str) -> bool:
        """Whether the entity already is where the action leads."""
