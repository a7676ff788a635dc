"""Where everything lies and listens."""

from dataclasses import dataclass
from pathlib import Path

VO = "fedcloud.egi.eu"
VOMS_PORT = 15002
OCCI_PORT = 8787
IMAGE_ID = "tiny"
USER_NAME = "Ada Example"


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
    def config(self) -> Path:
        return self.directory / "site.toml"

    @property
    def cloud(self) -> Path:
        return self.directory / "cloud"


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything below `root`, an absolute path. `network` is the first half of all addresses, of 127.0.0.0/8."""

    root: Path
    network: str = "127.0"

    @property
    def voms_address(self) -> str:
        return f"{self.network}.0.1"

    @property
    def voms_host(self) -> str:
        """As clients and sites know the VOMS server; part of its certificates and of every attribute certificate."""
        return "localhost" if self.voms_address == "127.0.0.1" else self.voms_address

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
    def user(self) -> Path:
        return self.root / "user"

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
    def processes(self) -> Path:
        return self.root / "run"
