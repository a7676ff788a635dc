"""The standard categories as data: core (GFD.221), infrastructure of 1.1 and 1.2 together (GFD.184, GFD.224), templates of
CRTP (GFD.222), and the extension categories that clients of the EGI Federated Cloud know.

Sizes are GiB of 2^30 bytes. Attributes the text of the standard calls mutable with multiplicity 1 (mac, deviceid, address)
are not required here: no client sends them, the server fills them in.
"""

from hansa.standards.occi.model import Action, Attribute, AttributeType, Kind, Mixin

CORE = "http://schemas.ogf.org/occi/core#"
INFRASTRUCTURE = "http://schemas.ogf.org/occi/infrastructure#"
COMPUTE_ACTION = "http://schemas.ogf.org/occi/infrastructure/compute/action#"
NETWORK_ACTION = "http://schemas.ogf.org/occi/infrastructure/network/action#"
STORAGE_ACTION = "http://schemas.ogf.org/occi/infrastructure/storage/action#"
IPRESERVATION_ACTION = "http://schemas.ogf.org/occi/infrastructure/ipreservation/action#"
OPENSTACK_OS = "http://schemas.openstack.org/template/os#"
OPENSTACK_RESOURCE = "http://schemas.openstack.org/template/resource#"
CRTP = "http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#"

_INTEGER, _NUMBER = AttributeType.INTEGER, AttributeType.NUMBER


def _state(name: str, *values: str) -> tuple[Attribute, Attribute]:
    """A state attribute and its message (1.2); the server alone writes both."""
    return (
        Attribute(name, mutable=False, choices=values),
        Attribute(f"{name}.message", mutable=False, description="Why the state is what it is"),
    )


ENTITY = Kind(
    "entity",
    CORE,
    "Entity",
    attributes=(Attribute("occi.core.id", mutable=False, description="Identifier"), Attribute("occi.core.title")),
)
RESOURCE = Kind("resource", CORE, "Resource", ENTITY.id, (Attribute("occi.core.summary"),))
LINK = Kind(
    "link",
    CORE,
    "Link",
    ENTITY.id,
    (Attribute("occi.core.source", required=True), Attribute("occi.core.target", required=True)),
)

START = Action("start", COMPUTE_ACTION, "Start the machine")
STOP = Action(
    "stop",
    COMPUTE_ACTION,
    "Stop the machine",
    (Attribute("method", choices=("graceful", "acpioff", "poweroff"), default="graceful"),),
)
RESTART = Action(
    "restart",
    COMPUTE_ACTION,
    "Restart the machine",
    (Attribute("method", choices=("graceful", "warm", "cold"), default="graceful"),),
)
SUSPEND = Action(
    "suspend",
    COMPUTE_ACTION,
    "Suspend the machine",
    (Attribute("method", choices=("hibernate", "suspend"), default="suspend"),),
)
SAVE = Action(
    "save",
    COMPUTE_ACTION,
    "Save the machine's disk as a template",
    (
        Attribute("method", choices=("hot", "deferred", "deffered"), default="hot"),
        Attribute("name", description="Name of the new template"),
    ),
)
NETWORK_UP = Action("up", NETWORK_ACTION, "Bring the network up")
NETWORK_DOWN = Action("down", NETWORK_ACTION, "Take the network down")
STORAGE_ONLINE = Action("online", STORAGE_ACTION, "Bring the storage online")
STORAGE_OFFLINE = Action("offline", STORAGE_ACTION, "Take the storage offline")
STORAGE_RESIZE = Action(
    "resize",
    STORAGE_ACTION,
    "Enlarge the storage",
    (Attribute("size", _NUMBER, required=True, minimum=0, description="New size in GiB"),),
)

STORAGE_BACKUP = Action("backup", STORAGE_ACTION, "Back the storage up")
STORAGE_SNAPSHOT = Action("snapshot", STORAGE_ACTION, "Take a snapshot of the storage")

ARCHITECTURE = Attribute("occi.compute.architecture", choices=("x86", "x64"))
CORES = Attribute("occi.compute.cores", _INTEGER, minimum=1)
MEMORY = Attribute("occi.compute.memory", _NUMBER, minimum=0, description="GiB (2^30 bytes)")
SPEED = Attribute("occi.compute.speed", _NUMBER, minimum=0, description="GHz")
EPHEMERAL_SIZE = Attribute(
    "occi.compute.ephemeral_storage.size", _NUMBER, mutable=False, description="GiB of scratch disk"
)

COMPUTE = Kind(
    "compute",
    INFRASTRUCTURE,
    "Compute Resource",
    RESOURCE.id,
    (
        ARCHITECTURE,
        CORES,
        Attribute("occi.compute.hostname", description="Host name of the guest"),
        Attribute("occi.compute.share", _INTEGER, minimum=0, description="Relative share of CPU"),
        SPEED,
        MEMORY,
        *_state("occi.compute.state", "active", "inactive", "suspended", "error"),
    ),
    (START.id, STOP.id, RESTART.id, SUSPEND.id),
    "/compute/",
)
NETWORK = Kind(
    "network",
    INFRASTRUCTURE,
    "Network Resource",
    RESOURCE.id,
    (
        Attribute("occi.network.vlan", _INTEGER, minimum=0, maximum=4095),
        Attribute("occi.network.label"),
        *_state("occi.network.state", "active", "inactive", "error"),
    ),
    (NETWORK_UP.id, NETWORK_DOWN.id),
    "/network/",
)
STORAGE = Kind(
    "storage",
    INFRASTRUCTURE,
    "Storage Resource",
    RESOURCE.id,
    (
        Attribute("occi.storage.size", _NUMBER, required=True, minimum=0, description="GiB (2^30 bytes)"),
        *_state("occi.storage.state", "online", "offline", "backup", "snapshot", "resize", "degraded", "error"),
    ),
    (STORAGE_ONLINE.id, STORAGE_OFFLINE.id, STORAGE_BACKUP.id, STORAGE_SNAPSHOT.id, STORAGE_RESIZE.id),
    "/storage/",
)
NETWORKINTERFACE = Kind(
    "networkinterface",
    INFRASTRUCTURE,
    "Network Interface",
    LINK.id,
    (
        Attribute("occi.networkinterface.interface", mutable=False, description="Device in the guest: eth0"),
        Attribute("occi.networkinterface.mac"),
        *_state("occi.networkinterface.state", "active", "inactive", "error"),
    ),
    location="/networkinterface/",
)
STORAGELINK = Kind(
    "storagelink",
    INFRASTRUCTURE,
    "Storage Link",
    LINK.id,
    (
        Attribute("occi.storagelink.deviceid", description="Device in the guest: /dev/vdb"),
        Attribute("occi.storagelink.mountpoint"),
        *_state("occi.storagelink.state", "active", "inactive", "error"),
    ),
    location="/storagelink/",
)

ALLOCATION = ("dynamic", "static")
IPNETWORK = Mixin(
    "ipnetwork",
    "http://schemas.ogf.org/occi/infrastructure/network#",
    "IP Network",
    applies=(NETWORK.id,),
    attributes=(
        Attribute("occi.network.address", description="Range in CIDR notation"),
        Attribute("occi.network.gateway"),
        Attribute("occi.network.allocation", choices=ALLOCATION),
    ),
    location="/ipnetwork/",
)
IPNETWORKINTERFACE = Mixin(
    "ipnetworkinterface",
    "http://schemas.ogf.org/occi/infrastructure/networkinterface#",
    "IP Network Interface",
    applies=(NETWORKINTERFACE.id,),
    attributes=(
        Attribute("occi.networkinterface.address"),
        Attribute("occi.networkinterface.gateway"),
        Attribute("occi.networkinterface.allocation", choices=ALLOCATION),
    ),
    location="/ipnetworkinterface/",
)
OS_TPL = Mixin("os_tpl", INFRASTRUCTURE, "OS Template", applies=(COMPUTE.id,), location="/os_tpl/")
RESOURCE_TPL = Mixin(
    "resource_tpl", INFRASTRUCTURE, "Resource Template", applies=(COMPUTE.id,), location="/resource_tpl/"
)

# Contextualisation: what clients of OpenStack sites send, and the pair of OCCI 1.2.
OPENSTACK_USER_DATA = Mixin(
    "user_data",
    "http://schemas.openstack.org/compute/instance#",
    "Contextualization data",
    applies=(COMPUTE.id,),
    attributes=(Attribute("org.openstack.compute.user_data", description="User data in base64"),),
    location="/mixin/user_data/",
)
OPENSTACK_PUBLIC_KEY = Mixin(
    "public_key",
    "http://schemas.openstack.org/instance/credentials#",
    "Public key for SSH",
    applies=(COMPUTE.id,),
    attributes=(
        Attribute("org.openstack.credentials.publickey.name"),
        Attribute("org.openstack.credentials.publickey.data", description="Key as in authorized_keys"),
    ),
    location="/mixin/public_key/",
)
USER_DATA = Mixin(
    "user_data",
    "http://schemas.ogf.org/occi/infrastructure/compute#",
    "Contextualization data (OCCI 1.2)",
    applies=(COMPUTE.id,),
    attributes=(Attribute("occi.compute.userdata", description="User data in base64"),),
    location="/mixin/occi_user_data/",
)
SSH_KEY = Mixin(
    "ssh_key",
    "http://schemas.ogf.org/occi/infrastructure/credentials#",
    "Public key for SSH (OCCI 1.2)",
    applies=(COMPUTE.id,),
    attributes=(Attribute("occi.credentials.ssh.publickey", description="Key as in authorized_keys"),),
    location="/mixin/occi_ssh_key/",
)
OS_VMS = Mixin(
    "os_vms",
    "http://schemas.openstack.org/compute/instance#",
    "Details of the machine in its stack",
    applies=(COMPUTE.id,),
    attributes=(
        Attribute("org.openstack.compute.console.vnc", mutable=False),
        Attribute("org.openstack.compute.state", mutable=False, description="The stack's own word for the state"),
    ),
    location="/mixin/os_vms/",
)

CORE_KINDS = (ENTITY, RESOURCE, LINK)
CONTEXT_MIXINS = (OPENSTACK_USER_DATA, OPENSTACK_PUBLIC_KEY, USER_DATA, SSH_KEY)


def resource_template(name: str, cores: int, memory: float, scratch: float) -> Mixin:
    """One of the templates of GFD.222 §4: sizes in GiB."""
    return Mixin(
        name,
        CRTP,
        f"Compute Resource Template {name}",
        depends=(RESOURCE_TPL.id,),
        applies=(COMPUTE.id,),
        attributes=(
            Attribute("occi.compute.cores", _INTEGER, mutable=False, default=cores),
            Attribute("occi.compute.memory", _NUMBER, mutable=False, default=memory),
            Attribute("occi.compute.ephemeral_storage.size", _NUMBER, mutable=False, default=scratch),
        ),
        location=f"/resource_tpl/crtp-{name.replace('_', '-')}/",
    )


CRTP_TEMPLATES = (
    resource_template("small", 1, 1.0, 10.0),
    resource_template("medium", 2, 2.0, 20.0),
    resource_template("large", 4, 4.0, 40.0),
    resource_template("mem_small", 1, 4.0, 10.0),
    resource_template("mem_medium", 2, 8.0, 20.0),
    resource_template("mem_large", 4, 16.0, 40.0),
)
"""Mandatory: the first three. All six make a provider's claim of the extended profile."""
