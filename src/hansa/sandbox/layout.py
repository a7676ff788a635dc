"""Where everything lies and listens."""

from dataclasses import dataclass
from pathlib import Path

from hansa.base.errors import Conflict
from hansa.base.i18n import _

VO = "fedcloud.egi.eu"
VOMS_PORT = 15002
OCCI_PORT = 8787
KEYSTONE_PORT = 5000
WEB_PORT = 8443
IMAGE_ID = "tiny"
USER_NAME = "Ada Example"
USER_LOGIN = "ada"


DEFAULT_NETWORK = "127.0"


@dataclass(frozen=True, slots=True)
class SiteLayout:
    """One site: its address, and the network its machines get theirs from."""

    name: str
    directory: Path
    address: str
    machines: str

    @property
    def endpoint(self) -> str:
        return f"https://{self.address}:{OCCI_PORT}"

    @property
    def keystone(self) -> str:
        return f"https://{self.address}:{KEYSTONE_PORT}"

    @property
    def config(self) -> Path:
        return self.directory / "site.toml"

    @property
    def cloud(self) -> Path:
        return self.directory / "cloud"


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything below `root`, an absolute path. `network` is the first half of all addresses, of 127.0.0.0/8."""

    root: Path
    network: str = DEFAULT_NETWORK

    @property
    def voms_address(self) -> str:
        return f"{self.network}.0.1"

    @property
    def voms_host(self) -> str:
        """As clients and sites know the VOMS server; part of its certificates and of every attribute certificate."""
        return "localhost" if self.voms_address == "127.0.0.1" else self.voms_address

    @property
    def web(self) -> str:
        """The federation's web interface, which is also who issues tokens."""
        return f"https://{self.voms_host}:{WEB_PORT}"

    @property
    def sites(self) -> tuple[SiteLayout, ...]:
        return tuple(
            SiteLayout(
                name, self.root / "sites" / name, f"{self.network}.{number}.1", f"{self.network}.{number + 1}.0/24"
            )
            for name, number in (("lyra", 10), ("orion", 20))
        )

    @property
    def authority(self) -> Path:
        return self.root / "authority"

    @property
    def certificates(self) -> Path:
        return self.root / "grid-security" / "certificates"

    @property
    def vomsdir(self) -> Path:
        return self.root / "grid-security" / "vomsdir"

    @property
    def vomses(self) -> Path:
        return self.root / "grid-security" / "vomses"

    @property
    def federation(self) -> Path:
        return self.root / "federation"

    @property
    def feed_key(self) -> Path:
        """What the federation signs its member feed with; the public half lies beside it for the sites."""
        return self.federation / "feed.key"

    @property
    def feed_keys(self) -> Path:
        return self.federation / "feed.jwks"

    @property
    def user(self) -> Path:
        return self.root / "user"

    @property
    def password(self) -> Path:
        """The user's, for logging in at the federation's web pages as `USER_LOGIN`."""
        return self.user / "password"

    @property
    def profile(self) -> Path:
        return self.user / "profile.toml"

    @property
    def proxy(self) -> Path:
        return self.user / "proxy.pem"

    @property
    def first_user_data(self) -> Path:
        return self.user / "hello.sh"

    @property
    def guest(self) -> Path:
        """The guest image and the packages it is made from; `down` leaves it, so that the next `up` needs no network."""
        return self.root / "guest"

    @property
    def programs(self) -> Path:
        return self.root / "bin"

    @property
    def environment(self) -> Path:
        return self.root / "env.sh"

    @property
    def network_file(self) -> Path:
        """Remembers `network`, which certificates and configurations are made for."""
        return self.root / "network"

    @property
    def processes(self) -> Path:
        return self.root / "run"


def laid_out(root: Path, network: str | None = None) -> Layout:
    """The federation below `root` as it was made; a new one on `network`. Raises Conflict if it was made on another."""
    root = root.absolute()
    remembered = Layout(root).network_file
    made = remembered.read_text().strip() if remembered.exists() else None
    if made is not None and network is not None and made != network:
        raise Conflict(
            _("The federation in {place} was made on {network}.").format(place=root, network=made),
            next=_("leave --network out, run “hansa down” first, or choose another --dir"),
        )
    return Layout(root, made or network or DEFAULT_NETWORK)
