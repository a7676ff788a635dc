"""Rules that hold for every driver: what may be asked for at all, and what a machine's state allows.

Pure functions that return the accepted value or raise `hansa.base.errors`. Drivers call them before they touch anything.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from hansa.base.errors import BadRequest, Conflict, Forbidden, QuotaExceeded
from hansa.cloud.model import (
    ADMIN,
    ALLOWED,
    Caller,
    Flavor,
    Image,
    Network,
    Server,
    ServerAction,
    ServerQuery,
    ServerSpec,
    ServerState,
)

NAME_MAX = 255
HOSTNAME_MAX = 253
USER_DATA_MAX = 65_536  # bytes, decoded
SSH_KEYS_MAX = 32
SSH_KEY_MAX = 8_192  # characters
METADATA_MAX = 128  # items
NETWORKS_MAX = 8
VOLUMES_MAX = 16
VOLUME_GIB_MAX = 65_536
REQUEST_ID_MAX = 255

_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")


def check_name(name: str, field: str = "name") -> str:
    """A name people gave: 1 to 255 printable characters, no line breaks or other control characters."""
    if not name.strip():
        raise BadRequest(f"The {field} is empty.", field=field)
    if len(name) > NAME_MAX:
        raise BadRequest(f"The {field} is longer than {NAME_MAX} characters.", field=field)
    if not name.isprintable():
        raise BadRequest(f"The {field} holds control characters.", field=field)
    return name


def check_hostname(hostname: str) -> str:
    """RFC 1123 §2.1: dotted labels of letters, digits and inner hyphens."""
    labels = hostname.split(".")
    if len(hostname) > HOSTNAME_MAX or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadRequest("The hostname must be dotted labels of letters, digits and inner hyphens.", field="hostname")
    return hostname


def default_hostname(name: str) -> str:
    """The hostname of a machine for which none was asked: its name, bent to RFC 1123."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[:63].strip("-") or "machine"


def check_spec(spec: ServerSpec) -> None:
    """Bounds and syntax of a creation request; whether image, flavor … exist is the driver's to say."""
    check_name(spec.name)
    if spec.hostname:
        check_hostname(spec.hostname)
    if len(spec.user_data) > USER_DATA_MAX:
        raise BadRequest(f"The user data is longer than {USER_DATA_MAX} bytes.", field="user_data")
    if spec.request_id is not None and not 1 <= len(spec.request_id) <= REQUEST_ID_MAX:
        raise BadRequest(f"The request id must have 1 to {REQUEST_ID_MAX} characters.", field="request_id")
    _check_ssh_keys(spec.ssh_keys)
    _check_distinct(spec.networks, NETWORKS_MAX, "networks", distinct=False)
    _check_distinct(spec.volumes, VOLUMES_MAX, "volumes", distinct=True)
    if len(spec.metadata) > METADATA_MAX:
        raise BadRequest(f"More than {METADATA_MAX} metadata items.", field="metadata")
    if any(not key or len(key) > NAME_MAX or len(value) > NAME_MAX for key, value in spec.metadata.items()):
        raise BadRequest(f"Metadata keys and values may have up to {NAME_MAX} characters.", field="metadata")


def check_fits(image: Image, flavor: Flavor) -> None:
    """The image's minimum demands against the flavor."""
    if image.min_disk_gib > flavor.disk_gib:
        message = f"The image needs a disk of {image.min_disk_gib} GiB; flavor {flavor.name} has {flavor.disk_gib} GiB."
        raise BadRequest(message, field="flavor")
    if image.min_ram_mib > flavor.ram_mib:
        message = f"The image needs {image.min_ram_mib} MiB of memory; flavor {flavor.name} has {flavor.ram_mib} MiB."
        raise BadRequest(message, field="flavor")


def check_volume_size(size_gib: float, *, at_least: float = 0.0) -> float:
    """A new volume's size, or a grown one's (`at_least`: its present size; volumes never shrink)."""
    if not 0.0 < size_gib <= VOLUME_GIB_MAX:  # also refuses NaN
        raise BadRequest(f"A volume has more than 0 and at most {VOLUME_GIB_MAX} GiB.", field="size_gib")
    if size_gib < at_least:
        raise BadRequest(f"A volume never shrinks: it has {at_least:g} GiB.", field="size_gib")
    return size_gib


def check_resize(server: Server, flavor: Flavor) -> None:
    """Cold resize: no task runs, the machine is on or off, and the disk does not shrink."""
    check_idle(server)
    if server.state not in (ServerState.ACTIVE, ServerState.STOPPED):
        raise Conflict(f"A machine that is {server.state} cannot be resized.", state=server.state.value)
    if flavor.disk_gib < server.flavor.disk_gib:
        message = f"A disk never shrinks: {server.flavor.disk_gib} GiB now, {flavor.disk_gib} GiB in {flavor.name}."
        raise BadRequest(message, field="flavor")


def check_idle(server: Server) -> None:
    if server.task is not None:
        raise Conflict(f"The machine is busy ({server.task}); try again when it has finished.", task=server.task)


def check_attachable(server: Server) -> None:
    """Disks and network cards come and go while a machine is on, off or paused and no task runs."""
    check_idle(server)
    if server.state not in (ServerState.ACTIVE, ServerState.STOPPED, ServerState.PAUSED):
        message = f"Nothing can be connected to or taken from a machine that is {server.state}."
        raise Conflict(message, state=server.state.value)


def check_action(server: Server, action: ServerAction) -> None:
    """`model.ALLOWED`, and never beside a running task."""
    check_idle(server)
    if server.state not in ALLOWED[action]:
        raise Conflict(f"A machine that is {server.state} cannot {action}.", state=server.state.value)


def check_network(network: Network) -> None:
    """The values of a network agree with each other: gateway inside the range, VLAN 0 to 4095 (IEEE 802.1Q)."""
    if network.allocation not in ("dynamic", "static"):
        raise BadRequest('The allocation is "dynamic" or "static".', field="allocation")
    if network.vlan is not None and not 0 <= network.vlan <= 4095:
        raise BadRequest("A VLAN has a number from 0 to 4095.", field="vlan")
    within = _parse_cidr(network.cidr)
    if network.gateway is None:
        return
    try:
        gateway = ip_address(network.gateway)
    except ValueError:
        raise BadRequest("The gateway is not an IP address.", field="gateway") from None
    if within is not None and gateway not in within:
        raise BadRequest(f"The gateway is not in {within}.", field="gateway")


def check_query(caller: Caller, query: ServerQuery) -> None:
    if query.all_projects and ADMIN not in caller.roles:
        raise Forbidden(f'Only the role "{ADMIN}" may list the machines of all projects.')
    if query.limit < 0 or query.offset < 0:
        raise BadRequest("limit and offset count from 0.", field="limit")


def check_quota(resource: str, *, limit: int | None, used: int, requested: int) -> None:
    """Nothing more is granted than the limit, even where less than what is used was set as limit later."""
    if limit is None or requested <= 0 or used + requested <= limit:
        return
    message = f"The quota of {resource} is used up: {used} of {limit} in use, {requested} more asked for."
    raise QuotaExceeded(message, resource=resource, limit=limit, used=used, requested=requested)


def page(servers: Iterable[Server], query: ServerQuery) -> list[Server]:
    """Filter, order (creation time, then id) and cut a listing as `ServerQuery` says; for drivers that hold all in memory."""
    wanted = sorted((s for s in servers if _matches(s, query)), key=lambda s: (s.created, s.id))
    end = query.offset + query.limit if query.limit else None
    return wanted[query.offset : end]


def _matches(server: Server, query: ServerQuery) -> bool:
    return (
        (query.image is None or server.image == query.image)
        and (query.flavor is None or server.flavor.id == query.flavor)
        and (query.state is None or server.state is query.state)
        and (query.name is None or server.name == query.name)
    )


def _check_ssh_keys(keys: tuple[str, ...]) -> None:
    if len(keys) > SSH_KEYS_MAX:
        raise BadRequest(f"More than {SSH_KEYS_MAX} SSH keys.", field="ssh_keys")
    if any(not key.strip() or len(key) > SSH_KEY_MAX or not key.strip().isprintable() for key in keys):
        raise BadRequest(f"An SSH key is one line of up to {SSH_KEY_MAX} characters.", field="ssh_keys")


def _check_distinct(ids: tuple[str, ...], most: int, field: str, *, distinct: bool) -> None:
    if len(ids) > most:
        raise BadRequest(f"More than {most} {field}.", field=field)
    if distinct and len(set(ids)) != len(ids):
        raise BadRequest(f"The same of the {field} is named twice.", field=field)


def _parse_cidr(cidr: str | None) -> IPv4Network | IPv6Network | None:
    if cidr is None:
        return None
    try:
        return ip_network(cidr)
    except ValueError:
        raise BadRequest("The range is not written like 192.0.2.0/24.", field="cidr") from None
