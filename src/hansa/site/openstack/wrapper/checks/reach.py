"""What clients meet at the public address, and what the front meets behind it."""

import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from OpenSSL import SSL

from hansa.base.errors import HansaError
from hansa.client.http import Http, Reply, tls_context
from hansa.site.openstack.wrapper.assertion import HEADER, Assertion, seal
from hansa.site.openstack.wrapper.backend import Backend
from hansa.site.openstack.wrapper.checks.model import Finding, ok, problem, skipped, warning

SECONDS = 10.0
SKEW = timedelta(seconds=30)
RESTART = "look at the front's log, or start it: hansa keystone serve"
LOAD = "let Keystone's WSGI server load hansa_keystone.wsgi, and start it again"


def check_public(url: str, sign_on: str, certificates: Path | None, now: datetime) -> Iterator[Finding]:
    """`sign_on` is the path of the VOMS sign-on below `url`; servers are proved by the authorities in `certificates`."""
    if not url.startswith("https:"):
        yield problem("TLS", f"{url} is not https", "set front.public_url to the https address")
        return
    yield from _asks_for_certificates(url)
    try:
        with Http(url, tls=tls_context(certificates=certificates), timeout=SECONDS) as http:
            base = urlsplit(url).path.rstrip("/")
            version = http.request("GET", f"{base}/v3")
            refusal = http.request("POST", f"{base}{sign_on}", body=b"")
            forged = http.request("POST", f"{base}{sign_on}", body=b"", headers=_FORGED)
    except HansaError as error:
        yield problem("public address", error.message, error.details.get("next", RESTART))
        return
    yield from _public(url, version, refusal, forged, now)


_FORGED = {
    "VOMS-VO": "ops",
    "X-VOMS-FQANS": "/ops",
    "HANSA-IDENTITY-PROVIDER": "egi.eu",
    "X-Hansa-Assertion": "v1.e30=.00",
}


def _public(url: str, version: Reply, refusal: Reply, forged: Reply, now: datetime) -> Iterator[Finding]:
    if version.status == 200:
        yield ok("public address", f"{url} answers as Keystone")
    else:
        yield problem("public address", f"{url}/v3 answers {version.status}", RESTART)
    yield from _clock(version, now)
    if "VOMS proxy" in _message(refusal.body):
        yield ok("front", "asks for a proxy")
    else:
        yield problem("front", f"{url} is not Hansa's front: {refusal.status} {_message(refusal.body)[:100]}", RESTART)
    if forged.status < 300:
        yield problem(
            "forged headers", "a client's own headers got a token", "take Keystone off the public address at once"
        )
    else:
        yield ok("forged headers", "are no identity")


def _clock(reply: Reply, now: datetime) -> Iterator[Finding]:
    try:
        there = parsedate_to_datetime(reply.header("Date") or "")
    except ValueError:
        return
    skew = abs(there - now)
    if skew > SKEW:
        yield problem(
            "clock", f"differs by {skew.total_seconds():.0f} seconds", "run chrony or systemd-timesyncd on both hosts"
        )
    else:
        yield ok("clock", "agrees")


def _asks_for_certificates(url: str) -> Iterator[Finding]:
    parts = urlsplit(url)
    states: list[bytes] = []
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_info_callback(lambda connection, _where, _result: states.append(connection.get_state_string()))
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 443), SECONDS) as plain:
            plain.settimeout(None)  # pyOpenSSL does not wait on sockets with one
            connection = SSL.Connection(context, plain)
            connection.set_tlsext_host_name((parts.hostname or "").encode())
            connection.set_connect_state()
            connection.do_handshake()
            connection.shutdown()
    except (OSError, SSL.Error) as error:
        yield problem("TLS", f"no handshake with {parts.netloc}: {error}", RESTART)
        return
    if any(b"certificate request" in state for state in states):
        yield ok("TLS", "asks for client certificates")
    else:
        yield problem("TLS", "does not ask for client certificates", "set ask_client in the listener's tls table")


async def check_backend(backend: Backend, sealing: Sequence[bytes], now: datetime) -> AsyncIterator[Finding]:
    """The gate, asked with seals of ours at an address that does no harm."""
    check = "gate"
    try:
        plain, _, _ = await backend.whole("GET", "/v3", ())
        refused, _, body = await backend.whole("GET", "/v3", [(HEADER, b"v1.e30=.00")])
    except HansaError as error:
        yield problem("backend", error.message, "start Keystone, and compare front.backend with where it listens")
        return
    if plain != 200:
        yield problem("backend", f"/v3 answers {plain}", "look at Keystone's log")
        return
    yield ok("backend", "answers as Keystone")
    if refused != 401:
        yield problem(check, "a forged seal is not refused: the gate is not there", LOAD)
        return
    if not sealing:
        yield skipped(check, "is there; without the secret no more can be said")
        return
    sealed = seal(Assertion("/v3", {}, now + timedelta(minutes=1)), sealing[0], now)
    status, _, body = await backend.whole("GET", "/v3", [(HEADER, sealed)])
    if status == 200:
        yield ok(check, "takes our seal and no other")
    else:
        yield problem(check, _message(body), "give both sides the same secret, and compare the clocks of both hosts")


def check_sign_on(url: str, sign_on: str, certificates: Path | None, proxy: Path | None) -> Iterator[Finding]:
    """A real sign-on: the proxy must get a token, and the token a project."""
    check = "sign-on"
    if proxy is None:
        yield skipped(check, "no proxy was given", "name one with --proxy")
        return
    base = urlsplit(url).path.rstrip("/")
    try:
        with Http(url, tls=tls_context(certificates=certificates, proxy=proxy), timeout=60) as http:
            answer = http.request("POST", f"{base}{sign_on}", body=b"")
            token = answer.header("X-Subject-Token")
            if answer.status != 201 or not token:
                yield problem(check, f"{answer.status}: {_message(answer.body)}", _advice(answer.status))
                return
            listed = http.request("GET", f"{base}/v3/auth/projects", headers={"X-Auth-Token": token})
    except HansaError as error:
        yield problem(check, error.message, error.details.get("next", ""))
        return
    projects = [each["name"] for each in orjson.loads(listed.body).get("projects", [])] if listed.status == 200 else []
    if projects:
        yield ok(check, f"works in {', '.join(projects)}")
    else:
        yield warning(check, "there is a token, but no project for it", "hansa keystone mapping --apply")


def _advice(status: int) -> str:
    return "the sentence says what" if status == 401 else "look at Keystone's log"


def _message(body: bytes) -> str:
    try:
        return str(orjson.loads(body)["error"]["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return body[:100].decode("latin-1")
