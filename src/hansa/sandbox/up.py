"""The steps of `hansa up`. Each can be repeated: what is there stays, what is down starts."""

import asyncio
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from cryptography import x509

from hansa.base.config import load
from hansa.base.errors import BackendDown, Conflict
from hansa.base.i18n import _
from hansa.base.telemetry.audit import AuditLog
from hansa.cloud.guest import ensure_image
from hansa.federation.config import FederationConfig
from hansa.federation.membership.model import Credential, Details
from hansa.federation.membership.service import Membership
from hansa.federation.propagation.model import Site as FedSite
from hansa.federation.propagation.register import Register
from hansa.federation.provider.clients import Clients, Wanted
from hansa.federation.provider.model import GrantType
from hansa.federation.server import now, opened
from hansa.sandbox import credentials, files, processes
from hansa.sandbox.layout import OCCI_PORT, USER_LOGIN, USER_NAME, VO, VOMS_PORT, Layout, SiteLayout
from hansa.sandbox.processes import Server
from hansa.standards.x509 import Name

COMMAND_LINE = Wanted(
    "Hansa on the command line",
    id="hansa",
    confidential=False,
    redirect_uris=("http://127.0.0.1/",),
    grants=frozenset({GrantType.CODE, GrantType.REFRESH, GrantType.DEVICE}),
)
"""What `hansa login` is to the provider."""
_PROGRAMS = {"qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils", "ssh": "openssh-client"}


@dataclass(frozen=True, slots=True)
class Step:
    """`run` returns a few words on what it found or did."""

    title: str
    run: Callable[[], str]


def up(layout: Layout, begin: Callable[[str], None], done: Callable[[str], None]) -> None:
    """Bring the federation up, telling each step's title before it and its outcome after it.

    Raises HansaError with what to do: programs missing, addresses taken, another `up` at work, a server that fails.
    """
    layout.root.mkdir(parents=True, exist_ok=True)
    with exclusive(layout):
        for step in steps(layout):
            begin(step.title)
            done(step.run())


def steps(layout: Layout) -> Iterator[Step]:
    yield Step(_("Programs"), _check_programs)
    yield Step(_("Authority, certificates, revocation list"), lambda: _make_credentials(layout))
    yield Step(_("Guest image"), lambda: _make_image(layout))
    yield Step(_("Virtual organisation {vo}").format(vo=VO), lambda: _make_vo(layout))
    voms, *sites = servers(layout)
    yield Step(_("VOMS server"), lambda: _ensure(layout, voms))
    for server in sites:
        yield Step(_("Site {name}").format(name=server.name), partial(_ensure, layout, server))


def servers(layout: Layout) -> list[Server]:
    """The VOMS server, then the sites."""
    config = files.federation_config(layout)
    arguments = ("federation", "serve", "--config", str(config))
    voms = Server("voms", arguments, config, layout.voms_address, VOMS_PORT, layout.federation / "log")
    return [voms, *(_site_server(site) for site in layout.sites)]


def _site_server(site: SiteLayout) -> Server:
    arguments = ("site", "serve", "--config", str(site.config))
    return Server(site.name, arguments, site.config, site.address, OCCI_PORT, site.directory / "log")


@contextmanager
def exclusive(layout: Layout) -> Iterator[None]:
    """One `up` or `down` at a time. Raises Conflict."""
    descriptor = os.open(layout.root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise Conflict(_("Another hansa up or down is at work in {place}.").format(place=layout.root)) from error
    try:
        yield
    finally:
        os.close(descriptor)


def _check_programs() -> str:
    missing = [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]
    if missing:
        raise BackendDown(
            _("Programs are missing that machines need."),
            next=_("apt-get install {packages}, or let “sh setup.sh up” do it").format(packages=" ".join(missing)),
        )
    return _("all here")


def _make_credentials(layout: Layout) -> str:
    credentials.make_all(layout, credentials.utc_now())
    return str(layout.certificates)


def _make_image(layout: Layout) -> str:
    image = ensure_image(layout.guest)
    files.write_all(layout, image)
    return _("{image}, {size} MB").format(image=image.name, size=round(image.stat().st_size / 1e6))


def _make_vo(layout: Layout) -> str:
    config = load(files.federation_config(layout), FederationConfig, {})
    asyncio.run(_register(config, layout))
    return _("member: {name}").format(name=USER_NAME)


async def _register(config: FederationConfig, layout: Layout) -> None:
    """The VO, its first member, the program `hansa` as a client, the sites; what is there stays."""
    async with opened(config) as database:
        await _register_member(Membership(database, now), layout)
        audit = AuditLog(config.telemetry.audit)
        try:
            clients = Clients(database, now, audit)
            if await clients.get(COMMAND_LINE.id or "") is None:
                await clients.register(replace(COMMAND_LINE, audiences=(files.EVERY_SERVICE, layout.web)))
        finally:
            audit.close()
        register = Register(database, now)
        known = {each.site.name for each in await register.statuses()}
        for site in layout.sites:
            if site.name not in known:
                certificate = _holder(credentials.certificate_of(site.directory / "host"))
                await register.add(FedSite(site.name, now(), (VO,), certificate))


async def _register_member(registry: Membership, layout: Layout) -> None:
    if VO not in {vo.name for vo in await registry.vos()}:
        await registry.create_vo(VO)
    if await registry.members(VO):
        return
    given, _space, family = USER_NAME.partition(" ")
    person = await registry.add_person(
        Details(USER_NAME, given, family, f"{USER_LOGIN}@example.org", True, USER_LOGIN),
        [_holder(credentials.certificate_of(layout.user / "user"))],
    )
    await registry.set_password(person.uid, layout.password.read_bytes().strip())
    await registry.admit(VO, person.uid)


def _holder(certificate: x509.Certificate) -> Credential:
    return Credential(Name.from_x509(certificate.subject), Name.from_x509(certificate.issuer))


def _ensure(layout: Layout, server: Server) -> str:
    started = processes.ensure(server, layout.processes)
    where = f"{server.address}:{server.port}"
    return _("started on {where}").format(where=where) if started else _("runs on {where}").format(where=where)
