"""What an operation of the API is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from pydantic import BaseModel

from hansa.base.errors import HansaError
from hansa.federation.commons import Commons
from hansa.federation.identity.model import Caller
from hansa.federation.membership.service import Membership

B = TypeVar("B", bound=BaseModel)
ME = "me"
"""In place of a uid: the caller."""


class Matching(Enum):
    """What an operation has to do with ETags (RFC 9110 §8.8.3)."""

    NONE = "none"
    GIVEN = "given"
    """The answer carries one."""
    REQUIRED_IF_SENT = "required if sent"
    """`If-Match` is honoured, in the transaction of the change."""


class PreconditionFailed(HansaError):
    """The thing has changed since it was read."""

    code = "precondition_failed"
    status = 412


@dataclass(frozen=True, slots=True)
class Call:
    """One request, authenticated and allowed. `path`: parameters; `uid` there is a person's, never `me`."""

    commons: Commons
    caller: Caller
    path: Mapping[str, str]
    if_match: str | None
    _body: BaseModel | None
    _query: BaseModel | None

    @property
    def registry(self) -> Membership:
        return self.commons.registry

    @property
    def actor(self) -> str:
        return self.caller.actor

    @property
    def vo(self) -> str:
        return self.path["vo"]

    @property
    def uid(self) -> str:
        return self.path["uid"]

    @property
    def group(self) -> str:
        """The group in the path, in full."""
        return f"/{self.vo}/{self.path['group']}"

    def body(self, model: type[B]) -> B:
        assert isinstance(self._body, model)
        return self._body

    def query(self, model: type[B]) -> B:
        assert isinstance(self._query, model)
        return self._query


Handler = Callable[[Call], Awaitable[BaseModel | None]]


@dataclass(frozen=True, slots=True)
class Operation:
    """`action`: of the table of rules, None for every caller. `at_parent`: the rights that count are those in the group above."""

    method: str
    path: str
    action: str | None
    summary: str
    handler: Handler
    answer: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    status: int = 200
    matching: Matching = Matching.NONE
    at_parent: bool = False

    @property
    def id(self) -> str:
        return self.handler.__name__

    def parameters(self) -> list[str]:
        """Of the path, in its order."""
        return [part[1:-1].partition(":")[0] for part in self.path.split("/") if part.startswith("{")]


def operation(method: str, path: str, action: str | None, summary: str, **more: Any) -> Callable[[Handler], Operation]:
    """A decorator that makes a row of the table from its handler."""

    def made(handler: Handler) -> Operation:
        return Operation(method, path, action, summary, handler, **more)

    return made
