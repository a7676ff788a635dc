"""What every server wears: request ids and access lines around the application, probes and metrics beside it."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from pydantic import Field
from starlette.applications import Starlette
from starlette.routing import Route

from hansa.base.config import FilePath, Settings
from hansa.base.errors import Forbidden, HansaError
from hansa.base.problem import on_hansa_error
from hansa.base.telemetry.health import Health
from hansa.base.telemetry.logs import LogSettings
from hansa.base.telemetry.metrics import metrics_app
from hansa.base.telemetry.requests import PROBES, App, Observed, Receive, Scope, Send

Network = IPv4Network | IPv6Network
LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1"))


class TelemetrySettings(Settings):
    """What the server tells its operator."""

    log: LogSettings = Field(LogSettings(), description="The ordinary log, on standard error.")
    audit: FilePath | None = Field(None, description="File of the audit log (JSON lines); none: into the ordinary log.")
    metrics_from: tuple[Network, ...] = Field(LOOPBACK, description="Networks whose clients may read `/metrics`.")


def observed(app: App, health: Health, settings: TelemetrySettings) -> App:
    """`app` with a request id, an access line and metrics for each request, and with `/healthz`, `/readyz` and `/metrics`."""
    routes = [*health.routes(), Route("/metrics", _Metrics(settings.metrics_from))]
    probes = Starlette(routes=routes, exception_handlers={HansaError: on_hansa_error})

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        await (probes if scope["type"] == "http" and scope["path"] in PROBES else app)(scope, receive, send)

    return Observed(dispatch)


class _Metrics:
    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = networks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if client and not any(ip_address(client[0]) in network for network in self._networks):
            raise Forbidden("Metrics are read from the networks that telemetry.metrics_from names.")
        await metrics_app(scope, receive, send)
