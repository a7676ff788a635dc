"""The front, put together from its configuration and served."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hansa.base.errors import BackendDown, ConfigurationError
from hansa.base.serving import serve
from hansa.base.serving.gate import App
from hansa.base.telemetry.app import observed
from hansa.base.telemetry.audit import AuditLog
from hansa.base.telemetry.health import Health
from hansa.base.telemetry.logs import configure
from hansa.base.watch import Watched
from hansa.site.identity.settings import make_identity
from hansa.site.openstack.wrapper.backend import Backend, Origin
from hansa.site.openstack.wrapper.front import Front, Place
from hansa.site.openstack.wrapper.settings import WrapperConfig

SECRET = 32
"""Characters of a secret, at least; as `hansa_keystone.gate` has it."""


def utc_now() -> datetime:
    return datetime.now(UTC)


async def run(config: WrapperConfig) -> None:
    """Serve until SIGTERM or SIGINT. Raises ConfigurationError for what cannot be had."""
    configure(config.telemetry.log)
    with assembled(config) as app:
        await serve(app, [each.listener() for each in config.listeners])


@contextmanager
def assembled(config: WrapperConfig, *, clock: Callable[[], datetime] = utc_now) -> Iterator[App]:
    """The front's application while the block lasts."""
    table = config.front
    audit = AuditLog(config.telemetry.audit, clock=clock)
    try:
        identity = make_identity(config.identity.identity(), clock=clock, hostnames=[config.hostname], audit=audit)
        backend = Backend(Origin.parse(table.backend), table.timeout)
        front = Front(backend, identity, place_of(config), watched_secrets(table.secret), clock)
        yield observed(front.app(), Health({"keystone": lambda: _answers(backend)}), config.telemetry)
    finally:
        audit.close()


def place_of(config: WrapperConfig) -> Place:
    table = config.front
    return Place(table.public_url, table.identity_provider, table.protocol, timedelta(seconds=table.min_life))


def watched_secrets(path: Path) -> Callable[[], tuple[bytes, ...]]:
    """The secrets in the file, read again when it changes."""
    try:
        if path.stat().st_mode & 0o007:
            raise ConfigurationError(f"{path} is open to everybody; chmod o= it.", key="front.secret")
        watched = Watched([path], _secrets)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}; make it with hansa keystone install."
        raise ConfigurationError(message, key="front.secret") from error
    return lambda: watched.current


def _secrets(files: Mapping[str, bytes]) -> tuple[bytes, ...]:
    (content,) = files.values()
    secrets = tuple(content.split())
    if not secrets or min(map(len, secrets)) < SECRET:
        message = f"The file must hold secrets of {SECRET} characters or more, one a line."
        raise ConfigurationError(message, key="front.secret")
    return secrets


async def _answers(backend: Backend) -> None:
    status, _, _ = await backend.whole("GET", "/v3", ())
    if status != 200:
        raise BackendDown(f"Keystone answers {status}.")
