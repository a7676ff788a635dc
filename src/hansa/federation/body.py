"""Bodies of requests to the native API: JSON objects, bounded, read strictly into a model."""

from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from hansa.base.errors import BadRequest, TooLarge

M = TypeVar("M", bound=BaseModel)
MAX_BODY = 64 * 1024


async def read_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object; an empty body is an empty one.

    The media type must be application/json: a page of another site cannot send that without asking first (CORS), so a browser
    that shows its certificate by itself is not made to act for strangers. Raises BadRequest, TooLarge.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise BadRequest("Send the body as application/json.", field="content-type")
    body = await request.body()
    if len(body) > MAX_BODY:
        raise TooLarge(f"A body has at most {MAX_BODY} bytes.")
    try:
        document = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as error:
        raise BadRequest("The body is not JSON.", line=error.lineno, column=error.colno) from error
    if not isinstance(document, dict):
        raise BadRequest("The body must be a JSON object.")
    return document


async def read_model(request: Request, model: type[M]) -> M:
    """Raises BadRequest naming the first wrong `field`."""
    document = await read_object(request)
    try:
        return model.model_validate(document, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"{where}: {first['msg']}.", field=where) from error
