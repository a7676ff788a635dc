"""ETags (RFC 9110 §8.8.3): a digest of the answer, compared again within the transaction of a change."""

import hashlib
from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel

from hansa.federation.api.table import Call, PreconditionFailed

T = TypeVar("T")


def etag(answer: BaseModel) -> str:
    return f'"{hashlib.sha256(answer.model_dump_json().encode()).hexdigest()[:32]}"'


def unchanged(call: Call, shown: Callable[[T], BaseModel]) -> Callable[[T], None]:
    """Raises PreconditionFailed if the present state is not what the caller has read, who said so in `If-Match`."""
    wanted = {each.strip() for each in (call.if_match or "*").split(",")}

    def check(present: T) -> None:
        if "*" not in wanted and etag(shown(present)) not in wanted:
            raise PreconditionFailed("It has changed since you read it; read it again.")

    return check
