"""`GET /hansa/v1/servers/{id}/console`: the end of the serial console's output, as plain bytes."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hansa.base.errors import BadRequest, HansaError
from hansa.base.problem import problem
from hansa.cloud.model import ServerId
from hansa.cloud.port import Cloud
from hansa.site.identity import Identity

PATH = "/hansa/v1/servers/{id}/console"
DEFAULT_BYTES = 65_536
MAX_BYTES = 1_048_576


def routes(cloud: Cloud, identity: Identity) -> list[Route]:
    """`tail_bytes` (1 … 1048576, default 65536) says how much. The bytes are the guest's: never to be trusted as text."""

    async def console(request: Request) -> Response:
        try:
            caller = await identity.caller(request.scope)
            wanted = _tail(request)
            data = await cloud.console_log(caller, ServerId(request.path_params["id"]), tail_bytes=wanted)
        except HansaError as error:
            told = {"WWW-Authenticate": ", ".join(identity.challenges)} if error.status == 401 else {}
            return problem(error, headers={name: value for name, value in told.items() if value})
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return Response(data, media_type="text/plain", headers=headers)

    return [Route(PATH, console, methods=["GET"])]


def _tail(request: Request) -> int:
    text = request.query_params.get("tail_bytes", str(DEFAULT_BYTES))
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else 0
    if not 1 <= number <= MAX_BYTES:
        raise BadRequest(f"tail_bytes must be a whole number from 1 to {MAX_BYTES}.", field="tail_bytes")
    return number
