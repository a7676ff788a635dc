"""The REST dialect: `GET /generate-ac`, answered with a small XML document.

Clients do not percent-encode (`fqans=/vo/Role=x`), some end lines with a bare LF, and the C++ one writes a byte `0` first.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from hansa.standards.voms.errors import VomsCode, VomsError
from hansa.standards.voms.wire.encoding import (
    bad_reply,
    bad_request,
    decode_base64,
    encode_base64,
    parse_reply_xml,
    xml_text,
)
from hansa.standards.voms.wire.messages import (
    EVERYTHING,
    MAX_REQUEST_BYTES,
    AcReply,
    AcRequest,
    ErrorReply,
    Notice,
    Refusal,
    Reply,
    Warn,
    parse_lifetime,
    parse_names,
    parse_targets,
)

PATH = "/generate-ac"
CONTENT_TYPE = "text/xml; charset=utf-8"
_REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 500: "Internal Server Error"}
_REQUEST_LINE = re.compile(r"0?GET (\S{1,32768}) HTTP/1\.[01]")
_PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>'
_PARAMETERS = ("fqans", "lifetime", "order", "targets")


@dataclass(frozen=True, slots=True)
class HttpReply:
    """Status and body; the header is for whoever writes it, or `render_http`."""

    status: int
    body: bytes


def parse_http_request(data: bytes) -> AcRequest | None:
    """Read a whole request as it came off the wire; None while its head is incomplete.

    Raises `VomsError`: `voms.request.path` (answer 404), `voms.request.syntax`, `voms.request.too_large`, `voms.fqan.syntax`.
    """
    end = re.search(rb"\r?\n\r?\n", data)
    if len(data) > MAX_REQUEST_BYTES:
        raise VomsError(VomsCode.REQUEST_TOO_LARGE, f"The request is longer than {MAX_REQUEST_BYTES} bytes")
    if end is None:
        return None
    line = re.split(rb"\r?\n", data[: end.start()], maxsplit=1)[0].decode("latin-1")
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise bad_request("Expected GET /generate-ac")
    return parse_target(match[1])


def parse_target(target: str) -> AcRequest:
    """Read a request's target, path and query. Raises as `parse_http_request`."""
    path, _, query = target.partition("?")
    if path != PATH:
        raise VomsError(VomsCode.REQUEST_PATH, f"There is nothing at this address: ask for {PATH}")
    return parse_query(query)


def parse_query(query: str) -> AcRequest:
    """Read the query string, percent-encoded or not. Raises as `parse_http_request`, but for the path."""
    if len(query) > MAX_REQUEST_BYTES:
        raise VomsError(VomsCode.REQUEST_TOO_LARGE, f"The request is longer than {MAX_REQUEST_BYTES} characters")
    found: dict[str, str] = {}
    unknown = False
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        if name in _PARAMETERS and name not in found:
            found[name] = _unquote(value)
        else:
            unknown = True
    names = found.get("fqans", "").split(",")
    everything = EVERYTHING in names
    return AcRequest(
        fqans=() if everything else parse_names(names),
        everything=everything,
        order=parse_names(found.get("order", "").split(",")),
        targets=parse_targets(found.get("targets", "").split(",")),
        lifetime=parse_lifetime(found.get("lifetime", "")),
        unknown_parameters=unknown,
    )


def _unquote(value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise bad_request("The request holds percent-encoded bytes that are not UTF-8") from None


def render_target(request: AcRequest) -> str:
    """A client's request target. Nothing is percent-encoded, because the original server does not decode.

    Raises `VomsError` (`voms.request.syntax`) for a target that is no host name.
    """
    names = EVERYTHING if request.everything else ",".join(str(fqan) for fqan in request.fqans)
    parameters = {
        "fqans": names,
        "lifetime": "" if request.lifetime is None else str(request.lifetime),
        "order": ",".join(str(fqan) for fqan in request.order),
        "targets": ",".join(parse_targets(request.targets)),
    }
    query = "&".join(f"{name}={value}" for name, value in parameters.items() if value)
    return f"{PATH}?{query}" if query else PATH


def render_reply(reply: Reply) -> HttpReply:
    """A server's reply. A warning goes with status 200: with any other, clients throw the certificate away."""
    if isinstance(reply, AcReply):
        warnings = "".join(f"<warning>{xml_text(warning.text)}</warning>" for warning in reply.warnings)
        return _document(200, f"<ac>{encode_base64(reply.ac)}</ac>{warnings}")
    if isinstance(reply, ErrorReply):
        refusal = reply.refusal
        return _document(
            refusal.status, f"<error><code>{refusal.word}</code><message>{xml_text(reply.text)}</message></error>"
        )
    raise bad_request("The REST dialect has no list of names")


def _document(status: int, content: str) -> HttpReply:
    return HttpReply(status, f"{_PROLOGUE}<voms>{content}</voms>".encode())


NOT_FOUND = HttpReply(404, b"")


def render_http(reply: HttpReply) -> bytes:
    """A whole HTTP response. It says `HTTP/1.1` even to an HTTP/1.0 client: the C++ one looks for exactly that."""
    head = (
        f"HTTP/1.1 {reply.status} {_REASONS[reply.status]}\r\nContent-Type: {CONTENT_TYPE}\r\n"
        f"Content-Length: {len(reply.body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + reply.body


def parse_reply(body: bytes) -> Reply:
    """A client's reading of a reply's body, whatever its HTTP status. Raises `VomsError` (`voms.reply.*`)."""
    root = parse_reply_xml(body)
    if root.tag != "voms":
        raise bad_reply("The reply is not one of a VOMS server")
    errors = root.all("error")
    if errors:
        return ErrorReply(_refusal(errors[0].first("code") or ""), (errors[0].first("message") or "").strip())
    ac = root.first("ac")
    if ac is None:
        raise bad_reply("The reply holds neither a certificate nor an error")
    return AcReply(decode_base64(ac), tuple(warning_of(element.text) for element in root.all("warning")))


def warning_of(text: str) -> Warn:
    """A warning's kind, told from words in it, the way Java clients do."""
    words = (("validity", Notice.SHORTENED), ("selected", Notice.ORDER), ("contains attributes", Notice.SUBSET))
    return Warn(next((notice for word, notice in words if word in text), Notice.OTHER), text.strip())


def _refusal(code: str) -> Refusal:
    """From the word, or from the number that some servers put in its place."""
    return next((r for r in Refusal if code.strip() in (r.word, str(r.number))), Refusal.INTERNAL_ERROR)
