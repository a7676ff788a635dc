"""The user's logins at OpenID Providers, kept between commands in one private file of the state directory.

Refreshing is done under a lock: providers end a whole login when the same refresh token is shown twice (RFC 9700 §4.14.2).
"""

import fcntl
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hansa.base.i18n import _
from hansa.client.errors import NoCredential
from hansa.client.files import read_private, write_private

MARGIN = timedelta(seconds=60)
"""An access token with less to live is renewed before it is used."""


@dataclass(frozen=True, slots=True)
class Login:
    """What one provider gave us. `client`: the client identifier it was given to."""

    issuer: str
    client: str
    access: str = field(repr=False)
    expires: datetime
    scope: str = ""
    refresh: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ProxyWish:
    """The proxy that `hansa login` made, so that it can be made again without asking."""

    vos: tuple[str, ...]
    hours: int


class Logins:
    """The file. Every change is one atomic replacement; what cannot be read is as good as no login."""

    def __init__(self, state: Path) -> None:
        self._file = state / "logins.json"

    def of(self, issuer: str) -> Login | None:
        return _login(self._read().get("providers", {}).get(issuer), issuer)

    def all(self) -> tuple[Login, ...]:
        providers = self._read().get("providers", {})
        return tuple(login for issuer in sorted(providers) if (login := _login(providers[issuer], issuer)))

    def keep(self, login: Login) -> None:
        with self._locked() as document:
            document["providers"] = {**document.get("providers", {}), login.issuer: _json(login)}

    def forget(self, issuer: str) -> None:
        with self._locked() as document:
            document.get("providers", {}).pop(issuer, None)

    @property
    def proxy(self) -> ProxyWish | None:
        """How the proxy was made, if `hansa login` made it."""
        match self._read().get("proxy"):
            case {"vos": [*vos], "hours": int(hours)} if all(isinstance(vo, str) for vo in vos):
                return ProxyWish(tuple(vos), hours)
        return None

    def keep_proxy(self, wish: ProxyWish | None) -> None:
        with self._locked() as document:
            document.pop("proxy", None)
            if wish:
                document["proxy"] = asdict(wish)

    def fresh(self, issuer: str, renew: Callable[[Login], Login], now: datetime) -> Login:
        """The login at that provider, renewed if its access token is about to end. Raises NoCredential."""
        login = self.of(issuer)
        if login is not None and login.expires - MARGIN > now:
            return login
        with self._locked() as document:
            login = _login(document.get("providers", {}).get(issuer), issuer)  # another command may have been faster
            if login is not None and login.expires - MARGIN > now:
                return login
            if login is None or login.refresh is None:
                raise NoCredential(
                    _("You are not logged in at {issuer}.").format(issuer=issuer)
                    if login is None
                    else _("Your login at {issuer} has ended.").format(issuer=issuer),
                    next="hansa login",
                )
            renewed = renew(login)
            renewed = replace(renewed, refresh=renewed.refresh or login.refresh)  # RFC 6749 §6: a new one is optional
            document["providers"][issuer] = _json(renewed)
            return renewed

    def _read(self) -> dict[str, Any]:
        try:
            document = json.loads(read_private(self._file))
        except (NoCredential, ValueError, RecursionError):
            return {}
        if not isinstance(document, dict):
            return {}
        if not isinstance(document.get("providers", {}), dict):
            del document["providers"]
        return document

    @contextmanager
    def _locked(self) -> Iterator[dict[str, Any]]:
        """The content, alone; what the block made of it is written when it ends well."""
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._file.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            document = self._read()
            before = json.dumps(document, sort_keys=True)
            yield document
            if json.dumps(document, sort_keys=True) != before:
                write_private(self._file, json.dumps(document, indent=1).encode())


def _json(login: Login) -> Mapping[str, Any]:
    return {**asdict(login), "expires": login.expires.isoformat()}


def _login(kept: object, issuer: str) -> Login | None:
    match kept:
        case {"client": str(client), "access": str(access), "expires": str(expires), "scope": str(scope), **rest}:
            try:
                end = datetime.fromisoformat(expires)
            except ValueError:
                return None
            refresh = rest.get("refresh")
            return Login(issuer, client, access, end, scope, refresh if isinstance(refresh, str) else None)
    return None
