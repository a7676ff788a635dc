"""RFC 9457 problem details: how native APIs refuse."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse

from hansa.base.errors import HansaError
from hansa.base.telemetry.requests import current_request_id

MEDIA_TYPE = "application/problem+json"
_OWN = frozenset({"type", "title", "status", "detail", "code", "request_id"})


def problem(
    error: HansaError, *, request_id: str | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """`type` (`urn:hansa:error:<code>`), `title`, `status`, `detail`, `code`, `request_id`, and the error's own details."""
    body: dict[str, object] = {key: value for key, value in error.details.items() if key not in _OWN}
    body |= {
        "type": f"urn:hansa:error:{error.code}",
        "title": error.code.replace("_", " ").replace(".", ": ").capitalize(),
        "status": error.status,
        "detail": error.message,
        "code": error.code,
    }
    if request_id := request_id or current_request_id():
        body["request_id"] = request_id
    return JSONResponse(body, error.status, headers, MEDIA_TYPE)


async def on_hansa_error(request: Request, error: Exception) -> JSONResponse:
    """For `Starlette(exception_handlers={HansaError: on_hansa_error})`."""
    assert isinstance(error, HansaError)
    return problem(error)
