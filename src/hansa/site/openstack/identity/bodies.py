"""Bodies of requests: bounded JSON, read strictly into models; what a model does not name is kept, as Keystone's extras."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeVar

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import ClientDisconnect, Request

from hansa.base.errors import BadRequest, TooLarge

MAX_BYTES = 114_688
"""As Keystone's `max_request_body_size`."""


class Body(BaseModel):
    """What a request says of one thing. Types are strict: no text for a number, no 0 for false.

    `extra`: members beyond the model's, which Keystone keeps and gives back. `given`: what was sent, as a change needs to know.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", strict=True, frozen=True, hide_input_in_errors=True)

    @property
    def extra(self) -> Mapping[str, Any]:
        return {name: value for name, value in (self.model_extra or {}).items() if name not in OWN}

    @property
    def given(self) -> Mapping[str, Any]:
        own = type(self).model_fields
        return {name: _plain(getattr(self, name)) for name in self.model_fields_set if name in own}


def _plain(value: Any) -> Any:
    return dict(value.given) if isinstance(value, Body) else value


B = TypeVar("B", bound=BaseModel)

_VISIBLE = r"\S"
Name64 = Annotated[str, Field(min_length=1, max_length=64, pattern=_VISIBLE), AfterValidator(str.strip)]
Name255 = Annotated[str, Field(min_length=1, max_length=255, pattern=_VISIBLE), AfterValidator(str.strip)]
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9-]+$")]
OWN = frozenset({"id", "links"})
"""Members that are never anybody's extras."""


class Options(Body):
    """Options of a domain, project or role; None takes one away."""

    model_config: ClassVar[ConfigDict] = Body.model_config | {"extra": "forbid"}

    immutable: bool | None = None


async def raw_body(request: Request) -> bytes:
    """As much as the listener lets through."""
    try:
        body = await request.body()
    except ClientDisconnect:
        raise BadRequest("The client left before the request was whole.") from None
    if len(body) > MAX_BYTES:
        raise TooLarge(f"A request may have {MAX_BYTES} bytes.")
    if b"\\u0000" in body:  # the only way to write it in JSON
        raise BadRequest("No text here may hold a NUL.", field="")
    return body


async def document(request: Request) -> Mapping[str, Any]:
    """The body as a JSON object. BadRequest for anything else."""
    try:
        found = orjson.loads(await raw_body(request))
    except orjson.JSONDecodeError:
        raise BadRequest("The body is not JSON.", field="") from None
    if not isinstance(found, dict):
        raise BadRequest("The body is not a JSON object.", field="")
    return found


async def read(request: Request, name: str, model: type[B]) -> B:
    """`{name: {…}}`. BadRequest names the first member that is wrong, and never shows what it held."""
    found = (await document(request)).get(name)
    if not isinstance(found, dict):
        raise BadRequest(f"'{name}' is a required property, and an object.", field=name)
    return parse(found, model)


def check_id(body: Mapping[str, Any], identifier: str) -> None:
    """BadRequest for a change that names another thing's id than the address does."""
    if body.get("id") not in (None, identifier):
        raise BadRequest("Cannot change ID", field="id")


def parse(found: Mapping[str, Any], model: type[B]) -> B:
    try:
        return model.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"Invalid input for field '{field}': {first['msg']}.", field=field) from None
