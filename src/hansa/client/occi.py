"""The OCCI client: one site, every rendering, on the same codecs as the server.

Locations given and returned are what the site says (absolute or relative); requests go to the endpoint's origin alone,
so that a reply cannot send our credential elsewhere.
"""

import base64
import json as plain_json
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlsplit

from hansa.base.errors import (
    BackendDown,
    BadRequest,
    Conflict,
    Forbidden,
    HansaError,
    NotFound,
    QuotaExceeded,
    TooLarge,
    Unauthenticated,
    Unsupported,
)
from hansa.base.i18n import _
from hansa.client.digest import digest_authorization
from hansa.client.errors import BadReply
from hansa.client.http import Http, Reply
from hansa.client.keystone import Bearer, Password, keystone_of, tokens
from hansa.standards.errors import StandardError
from hansa.standards.occi import (
    RESPONSE_LIMITS,
    Category,
    Entity,
    Invocation,
    Message,
    entities_of,
    json,
    text_occi,
    text_plain,
    uri_list,
)

_Headers = Mapping[str, str | bytes]
_CODECS: Mapping[str, "_Codec"] = {
    text_plain.MEDIA_TYPE: text_plain,
    text_occi.MEDIA_TYPE: text_occi,
    json.MEDIA_TYPE: json,
}
MEDIA_TYPES = tuple(_CODECS)
_GOOD = (200, 201, 202, 204)
_HEADER_LIMIT = 8000
"""A header longer than this does not pass every front; such a request goes as text/plain."""

_ERRORS: Mapping[int, type[HansaError]] = {
    400: BadRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: Unsupported,
    406: Unsupported,
    409: Conflict,
    413: TooLarge,
    415: Unsupported,
    501: Unsupported,
}
_BY_CODE: Mapping[str, type[HansaError]] = {QuotaExceeded.code: QuotaExceeded}


class _Codec(Protocol):
    """What text_plain, text_occi and json have in common: a body, or headers."""

    MEDIA_TYPE: str

    def render_entity(self, entity: Entity) -> "bytes | text_occi.Headers": ...
    def render_invocation(self, invocation: Invocation) -> "bytes | text_occi.Headers": ...


class Occi:
    """A session with one OCCI service. Not for several threads at once."""

    def __init__(
        self,
        endpoint: str,
        *,
        tls: ssl.SSLContext | None = None,
        timeout: float = 60.0,
        media_type: str = text_plain.MEDIA_TYPE,
        login: Password | None = None,
        token: str | None = None,
        project: str | None = None,
        bearer: str | None = None,
    ) -> None:
        self._http = Http(endpoint, tls=tls, timeout=timeout)
        self._tls, self._timeout = tls, timeout
        self._prefix = urlsplit(endpoint).path.rstrip("/")
        self._media_type = media_type
        self._login, self._project = login, project
        self._token = token
        self._bearer = bearer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    @property
    def origin(self) -> str:
        return self._http.origin

    def model(self) -> tuple[Category, ...]:
        """All categories the site offers us (`GET /-/`)."""
        return self._message(self._send("GET", "/-/")).categories

    def detailed_model(self) -> tuple[Category, ...]:
        """As `model`, with the attributes' defaults (sizes of templates) where the site speaks OCCI 1.2 JSON."""
        reply = self._exchange("GET", "/-/", {"Accept": json.MEDIA_TYPE}, None)
        if reply.status in _GOOD and reply.media_type == json.MEDIA_TYPE:
            try:
                return self._message(reply).categories
            except BadReply:  # the JSON of before OCCI 1.2
                return self.model()
        if reply.status in (*_GOOD, 406, 415):
            return self.model()
        raise self._refusal(reply)

    def locations(self, path: str) -> tuple[str, ...]:
        """The addresses of the entities below a kind's, mixin's or other path."""
        return self._message(self._send("GET", path, accept=uri_list.MEDIA_TYPE)).locations

    def entity(self, location: str) -> Entity:
        """One resource or link, whole; `location` is filled in."""
        reply = self._send("GET", location)
        with _reading(self.origin):
            found = entities_of(self._message(reply))
        if len(found) != 1:
            raise BadReply(_("{location} shows {n} things instead of one.").format(location=location, n=len(found)))
        return found[0] if found[0].location else replace(found[0], location=location)

    def entities(self, path: str) -> tuple[tuple[str, Entity], ...]:
        """What a path holds, whole, each with its location: one request where the site speaks OCCI 1.2 JSON."""
        reply = self._exchange("GET", path, {"Accept": json.MEDIA_TYPE}, None)
        if reply.status in _GOOD and reply.media_type == json.MEDIA_TYPE:
            try:
                found = self._message(reply).entities
            except BadReply:  # the JSON of before OCCI 1.2
                found = None
            if found is not None and all(entity.id for entity in found):
                base = path if path.endswith("/") else f"{path}/"
                return tuple((entity.location or f"{base}{_bare(entity.id)}", entity) for entity in found)
        elif reply.status not in (*_GOOD, 406, 415):
            raise self._refusal(reply)
        return tuple((location, self.entity(location)) for location in self.locations(path))

    def create(self, path: str, entity: Entity, *, request_id: str | None = None) -> str:
        """Make a resource or link at a kind's path; gives its location as the site says it.

        With the same `request_id` a second request gives the same entity, at sites that know `Idempotency-Key`.
        """
        extra = {"Idempotency-Key": request_id} if request_id else {}
        reply = self._change("POST", path, lambda codec: codec.render_entity(entity), extra)
        if location := reply.header("Location"):
            return location
        message = self._message(reply)
        if message.locations:
            return message.locations[0]
        with _reading(self.origin):
            made = entities_of(message)[0]
        return made.location or f"{path}{_bare(made.id)}"

    def update(self, location: str, mixins: Sequence[Category]) -> None:
        """Put mixins on an entity (`POST` of a partial representation)."""
        body = text_plain.render_model(mixins)
        self._send("POST", location, headers={"Content-Type": text_plain.MEDIA_TYPE}, body=body)

    def act(self, location: str, invocation: Invocation) -> Message:
        """Trigger an action; the answer may hold new templates (`save`)."""
        term = invocation.action.rpartition("#")[2]
        target = f"{location}?action={term}"
        return self._message(self._change("POST", target, lambda codec: codec.render_invocation(invocation)))

    def delete(self, location: str) -> None:
        """Remove an entity, or everything of ours below a path."""
        self._send("DELETE", location)

    def get(self, target: str, *, accept: str = "*/*") -> Reply:
        """Any other resource of the site (the native interface), with the same sign-on and the same refusals."""
        return self._send("GET", target, accept=accept)

    def _change(
        self,
        method: str,
        target: str,
        render: Callable[[_Codec], bytes | text_occi.Headers],
        extra: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send an entity or invocation in the session's rendering; what does not fit into headers goes as text."""
        codec = _CODECS[self._media_type]
        content = render(codec)
        if isinstance(content, list) and any(len(value.encode()) > _HEADER_LIMIT for _name, value in content):
            codec = text_plain
            content = render(codec)
        headers: dict[str, str | bytes] = {"Content-Type": codec.MEDIA_TYPE, **(extra or {})}
        if isinstance(content, bytes):
            return self._send(method, target, headers=headers, body=content)
        headers.update((name, value.encode()) for name, value in content)
        return self._send(method, target, headers=headers)

    def _send(
        self,
        method: str,
        target: str,
        *,
        accept: str | None = None,
        headers: _Headers | None = None,
        body: bytes | None = None,
    ) -> Reply:
        """Exchange, and raise what a refusal means."""
        reply = self._exchange(method, target, {"Accept": accept or self._media_type, **(headers or {})}, body)
        if reply.status not in _GOOD:
            raise self._refusal(reply)
        return reply

    def _exchange(self, method: str, location: str, headers: _Headers, body: bytes | None) -> Reply:
        """One request, signed on as the site asks: token, certificate, basic or digest."""
        target = self._target(location)
        reply = self._once(method, target, headers, body)
        if reply.status != 401:
            return reply
        if root := keystone_of(reply):
            return self._with_token(root, method, target, headers, body)
        if self._login:
            answer = digest_authorization(reply.header("WWW-Authenticate") or "", self._login, method, target)
            return self._once(method, target, {**headers, "Authorization": answer}, body) if answer else reply
        return reply

    def _with_token(self, root: str, method: str, target: str, headers: _Headers, body: bytes | None) -> Reply:
        """Sign on at Keystone; the first project whose token the site welcomes is kept for the session."""
        if self.origin.startswith("https:") and not root.startswith("https:"):
            raise BadReply(_("{origin} sends us to a Keystone without TLS.").format(origin=self.origin))
        login = Bearer(self._bearer) if self._bearer else self._login
        for token in tokens(root, tls=self._tls, timeout=self._timeout, project=self._project, login=login):
            self._token = token
            reply = self._once(method, target, headers, body)
            if reply.status != 401:
                return reply
        raise Unauthenticated(_("{origin} welcomes none of our projects.").format(origin=self.origin))

    def _once(self, method: str, target: str, headers: _Headers, body: bytes | None) -> Reply:
        fields: dict[str, str | bytes] = {"User-Agent": "hansa OCCI/1.1", **headers}
        if self._token:
            fields["X-Auth-Token"] = self._token
        elif self._bearer:
            fields["Authorization"] = f"Bearer {self._bearer}"
        elif self._login and "Authorization" not in fields:
            pair = f"{self._login.username}:{self._login.password}".encode()
            fields["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        return self._http.request(method, target, headers=fields, body=body)

    def _target(self, location: str) -> str:
        """The request target for a location: only its path and query count, below the endpoint's own path."""
        parts = urlsplit(location)
        path = parts.path if parts.path.startswith("/") else f"/{parts.path}"
        if self._prefix and not f"{path}/".startswith(f"{self._prefix}/"):
            path = self._prefix + path
        return f"{path}?{parts.query}" if parts.query else path

    def _message(self, reply: Reply) -> Message:
        with _reading(self.origin):
            match reply.media_type:
                case text_occi.MEDIA_TYPE:
                    # http.client reads headers as Latin-1; OCCI means UTF-8.
                    headers = [
                        (name, value.encode("latin-1").decode("utf-8", "replace")) for name, value in reply.headers
                    ]
                    return text_occi.parse(headers, RESPONSE_LIMITS)
                case uri_list.MEDIA_TYPE:
                    return uri_list.parse(reply.body, RESPONSE_LIMITS)
                case json.MEDIA_TYPE | "application/json":
                    return json.parse(reply.body, RESPONSE_LIMITS)
                case text_plain.MEDIA_TYPE | "text/occi+plain" | "":
                    return text_plain.parse(reply.body, RESPONSE_LIMITS)
            raise BadReply(_("{origin} answers in {kind}.").format(origin=self.origin, kind=reply.media_type))

    def _refusal(self, reply: Reply) -> HansaError:
        code = reply.header("X-Hansa-Code") or ""
        kind = _BY_CODE.get(code) or _ERRORS.get(reply.status, BackendDown)
        reason = _words(reply).removeprefix(f"{code}: ") or reply.reason
        return kind(
            _("{origin} refuses ({status}): {reason}").format(origin=self.origin, status=reply.status, reason=reason),
            http_status=reply.status,
            reason=reason,
        )


def _words(reply: Reply) -> str:
    """What the site says of its refusal: a line of text, our JSON, or problem details (RFC 9457)."""
    words = reply.body[:4000].decode("utf-8", "replace")
    if reply.media_type.endswith("json"):
        try:
            document = plain_json.loads(reply.body[:100_000])
            words = str(document.get("detail") or document["error"]["message"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            words = ""
    elif not reply.media_type.startswith("text/"):
        words = ""
    return " ".join(words.split())[:400]


@contextmanager
def _reading(origin: str) -> Iterator[None]:
    """A site whose answer breaks the standard has failed, not the user."""
    try:
        yield
    except StandardError as error:
        raise BadReply(
            _("{origin} answers with broken OCCI: {reason}").format(origin=origin, reason=error), standard=error.code
        ) from error


def _bare(identifier: str | None) -> str:
    return (identifier or "").removeprefix("urn:uuid:")
