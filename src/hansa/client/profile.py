"""The user's profile: which sites, which VO, where certificates live.

A TOML file (`$HANSA_PROFILE`, else `$XDG_CONFIG_HOME/hansa/config.toml`); every key is optional. The classic environment
variables (`X509_USER_PROXY`, `X509_CERT_DIR` …) win over the file, so that old scripts work unchanged.
"""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hansa.base.i18n import _
from hansa.client.errors import BadProfile


@dataclass(frozen=True, slots=True)
class Site:
    """A site as the user knows it: a name, the address of its OCCI service, and that of its Keystone (None: OCCI tells it).

    `provider` and `protocol` are what the Keystone calls the issuer of the user's tokens and the way to show one.
    """

    name: str
    endpoint: str
    keystone: str | None = None
    provider: str = "egi.eu"
    protocol: str = "openid"


@dataclass(frozen=True, slots=True)
class Federation:
    """The federation's web interface, and who issues the user's tokens: by default that interface itself.

    `trust`: `grid` if its host is proved by the authorities of `paths.certificates`, `system` if by those of the system.
    """

    url: str
    issuer: str
    client: str = "hansa"
    trust: str = "grid"


@dataclass(frozen=True, slots=True)
class Paths:
    """Where certificates and trust live. `vomses` are files or directories, all of them read."""

    certificates: Path
    vomsdir: Path
    vomses: tuple[Path, ...]
    proxy: Path
    user_cert: Path
    user_key: Path
    ssh_key: Path
    state: Path


@dataclass(frozen=True, slots=True)
class Defaults:
    """What commands take when nothing is said; None lets the command choose."""

    site: str | None = None
    image: str | None = None
    flavor: str | None = None
    login: str = "cloudadm"


@dataclass(frozen=True, slots=True)
class Profile:
    path: Path
    paths: Paths
    vo: str | None = None
    sites: tuple[Site, ...] = ()
    defaults: Defaults = field(default_factory=Defaults)
    federation: Federation | None = None

    def site(self, name: str) -> Site:
        """The site of that name, or an unnamed one if `name` is an address."""
        for site in self.sites:
            if site.name == name:
                return site
        if name.startswith(("http://", "https://")):
            return Site(name, name)
        known = ", ".join(site.name for site in self.sites) or _("none")
        raise BadProfile(
            _("The profile has no site “{name}”; it has: {known}.").format(name=name, known=known), key="site"
        )


def profile_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the profile is, whether or not it exists."""
    if given := environ.get("HANSA_PROFILE"):
        return Path(given)
    return _config_home(environ) / "hansa" / "config.toml"


def load_profile(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Profile:
    """Read the profile; without a file, the defaults and the environment. Raises BadProfile naming the key."""
    where = path or profile_path(environ)
    try:
        document = tomllib.loads(where.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if path is not None or environ.get("HANSA_PROFILE"):
            raise BadProfile(_("There is no profile {path}.").format(path=where), key="") from None
        document = {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadProfile(_("{path} is not TOML: {error}.").format(path=where, error=error), key="") from error
    top = _Table(document, where, "")
    vo = top.text("vo")
    profile = Profile(
        path=where,
        paths=_paths(top.table("paths"), where.parent, environ),
        vo=environ.get("HANSA_VO") or vo,
        sites=tuple(_site(table) for table in top.tables("site")),
        defaults=_defaults(top.table("defaults")),
        federation=_federation(top.table("federation")),
    )
    top.nothing_else()
    return profile


def render_profile(profile: Profile) -> str:
    """The profile as TOML; `load_profile` reads it back."""
    lines = [f"vo = {json.dumps(profile.vo)}"] if profile.vo else []
    lines += ["", "[paths]"]
    for key in ("certificates", "vomsdir", "proxy", "user_cert", "user_key", "ssh_key", "state"):
        lines.append(f"{key} = {json.dumps(str(getattr(profile.paths, key)))}")
    lines.append(f"vomses = {json.dumps([str(path) for path in profile.paths.vomses])}")
    lines += ["", "[defaults]"]
    for key in ("site", "image", "flavor", "login"):
        if value := getattr(profile.defaults, key):
            lines.append(f"{key} = {json.dumps(value)}")
    if profile.federation:
        lines += ["", "[federation]"]
        lines += [
            f"{key} = {json.dumps(getattr(profile.federation, key))}" for key in ("url", "issuer", "client", "trust")
        ]
    for site in profile.sites:
        lines += ["", "[[site]]"]
        for key in ("name", "endpoint", "keystone", "provider", "protocol"):
            if value := getattr(site, key):
                lines.append(f"{key} = {json.dumps(value)}")
    return "\n".join(lines) + "\n"


def _config_home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def default_proxy(environ: Mapping[str, str] = os.environ) -> Path:
    """Where every grid client looks: `$X509_USER_PROXY`, else /tmp/x509up_u<uid>."""
    return Path(environ.get("X509_USER_PROXY") or f"/tmp/x509up_u{os.geteuid()}")  # noqa: S108 - the grid's place; client.files guards it


def _paths(table: "_Table", base: Path, environ: Mapping[str, str]) -> Paths:
    globus = Path.home() / ".globus"
    state = Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "hansa"

    def choose(key: str, variable: str | None, default: Path) -> Path:
        given = table.text(key)
        if variable and environ.get(variable):
            return Path(environ[variable])
        return base / Path(given).expanduser() if given else default

    grid = Path("/etc/grid-security")
    user_vomses = Path.home() / ".glite" / "vomses"
    vomses = tuple(base / Path(text).expanduser() for text in table.texts("vomses"))
    if environ.get("X509_VOMSES") or environ.get("VOMS_USERCONF"):
        vomses = (Path(environ.get("X509_VOMSES") or environ["VOMS_USERCONF"]),)
    paths = Paths(
        certificates=choose("certificates", "X509_CERT_DIR", grid / "certificates"),
        vomsdir=choose("vomsdir", "X509_VOMS_DIR", grid / "vomsdir"),
        vomses=vomses or (Path("/etc/vomses"), grid / "vomses", user_vomses, Path.home() / ".voms" / "vomses"),
        proxy=choose("proxy", "X509_USER_PROXY", default_proxy({})),
        user_cert=choose("user_cert", "X509_USER_CERT", globus / "usercert.pem"),
        user_key=choose("user_key", "X509_USER_KEY", globus / "userkey.pem"),
        ssh_key=choose("ssh_key", None, state / "ssh" / "id_ed25519"),
        state=choose("state", None, state),
    )
    table.nothing_else()
    return paths


def _site(table: "_Table") -> Site:
    name, endpoint = table.text("name"), table.address("endpoint")
    if not name or not endpoint:
        raise table.wrong("name", _("a name and an endpoint"))
    site = Site(
        name=name,
        endpoint=endpoint,
        keystone=table.address("keystone"),
        provider=table.text("provider") or "egi.eu",
        protocol=table.text("protocol") or "openid",
    )
    table.nothing_else()
    return site


def _federation(table: "_Table") -> Federation | None:
    url = table.address("url")
    issuer = table.address("issuer") or url
    client, trust = table.text("client") or "hansa", table.text("trust") or "grid"
    table.nothing_else()
    if trust not in ("grid", "system"):
        raise table.wrong("trust", _("grid or system"))
    if url is None or issuer is None:
        if issuer is not None:
            raise table.wrong("url", _("an http or https address"))
        return None
    return Federation(url.rstrip("/"), issuer.rstrip("/"), client, trust)


def _defaults(table: "_Table") -> Defaults:
    found = Defaults(
        site=table.text("site"),
        image=table.text("image"),
        flavor=table.text("flavor"),
        login=table.text("login") or Defaults().login,
    )
    table.nothing_else()
    return found


class _Table:
    """A TOML table that is read key by key; what nobody asked for is refused, so that a typing error is seen."""

    def __init__(self, content: Any, path: Path, prefix: str) -> None:
        self._path, self._prefix = path, prefix
        if not isinstance(content, dict):
            raise BadProfile(_("{path}: {key} must be a table.").format(path=path, key=prefix), key=prefix)
        self._left: dict[str, Any] = dict(content)

    def wrong(self, key: str, wanted: str) -> BadProfile:
        full = f"{self._prefix}.{key}".lstrip(".")
        message = _("{path}: {key} must be {wanted}.").format(path=self._path, key=full, wanted=wanted)
        return BadProfile(message, key=full)

    def text(self, key: str) -> str | None:
        value = self._left.pop(key, None)
        if value is not None and not isinstance(value, str):
            raise self.wrong(key, _("a text"))
        return value

    def address(self, key: str) -> str | None:
        value = self.text(key)
        if value is not None and not value.startswith(("http://", "https://")):
            raise self.wrong(key, _("an http or https address"))
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._left.pop(key, [])
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
            raise self.wrong(key, _("a list of texts"))
        return tuple(values)

    def table(self, key: str) -> "_Table":
        return _Table(self._left.pop(key, {}), self._path, key)

    def tables(self, key: str) -> list["_Table"]:
        value = self._left.pop(key, [])
        if not isinstance(value, list):
            raise self.wrong(key, _("a list of tables: [[{key}]]").format(key=key))
        return [_Table(item, self._path, f"{key}[{index}]") for index, item in enumerate(value)]

    def nothing_else(self) -> None:
        for key in self._left:
            raise BadProfile(
                _("{path}: there is no setting {key}.").format(
                    path=self._path, key=f"{self._prefix}.{key}".lstrip(".")
                ),
                key=key,
            )
