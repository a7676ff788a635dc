"""The federation's web interface: the routes of all its rooms, on listeners of their own.

Each room has its part of the address space: `/api/v1/…` is the native API, refusals there are RFC 9457 problem details.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from hansa.base.config import Settings
from hansa.base.errors import HansaError
from hansa.base.problem import on_hansa_error
from hansa.base.serving.gate import App
from hansa.base.serving.settings import ListenerSettings


class WebSettings(Settings):
    """Registration, tokens and feeds; without this table there is the VOMS server alone."""

    public_url: str = Field(description="Root that everybody reaches it at, such as `https://federation.example.org`.")
    listeners: tuple[ListenerSettings, ...] = Field(min_length=1, description="Where it listens: sockets of its own.")

    @field_validator("public_url")
    @classmethod
    def _is_a_root(cls, url: str) -> str:
        parts = urlsplit(url)
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.path.strip("/")
            or parts.query
            or parts.fragment
        ):
            raise ValueError("it must be http(s)://HOST[:PORT]")
        return url.rstrip("/")


def app(routes: Sequence[BaseRoute]) -> App:
    starlette = Starlette(routes=routes, exception_handlers={HansaError: on_hansa_error})
    starlette.router.redirect_slashes = False  # a redirect would repeat the Host header
    return starlette
