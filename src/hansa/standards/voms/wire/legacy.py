"""The legacy dialect: an XML document each way over the bare TLS connection, no HTTP."""

from hansa.standards.voms.errors import VomsCode, VomsError
from hansa.standards.voms.fqan import Fqan
from hansa.standards.voms.wire.encoding import (
    Element,
    bad_reply,
    bad_request,
    decode_base64,
    encode_base64,
    parse_reply_xml,
    parse_xml,
    xml_text,
)
from hansa.standards.voms.wire.messages import (
    MAX_REQUEST_BYTES,
    AcReply,
    AcRequest,
    ErrorReply,
    ListReply,
    Notice,
    Refusal,
    Reply,
    Warn,
    command,
    parse_lifetime,
    parse_names,
    parse_targets,
    parse_wanted,
)

_END = b"</voms>"
_PLACEHOLDER = "<ac>QQ==\n</ac>"
"""Stands where a certificate would: without it Java clients crash on errors and Debian's C++ one shows no text."""
_PROLOGUE = '<?xml version="1.0" encoding = "US-ASCII"?><vomsans><version>3</version>'
_KNOWN = frozenset({"command", "order", "targets", "lifetime", "base64", "version"})
_FIRST_ERROR = 1000
_NOTICES = {notice.value: notice for notice in Notice}


def parse_request(data: bytes) -> AcRequest | None:
    """Read a request off the wire, with or without the leading byte `0`; None while it is incomplete.

    Raises `VomsError` (`voms.request.syntax`, `voms.request.too_large`, `voms.fqan.syntax`).
    """
    if len(data) > MAX_REQUEST_BYTES:
        raise VomsError(VomsCode.REQUEST_TOO_LARGE, f"The request is longer than {MAX_REQUEST_BYTES} bytes")
    document = data.removeprefix(b"0")
    if document and not document.startswith(b"<"):
        raise bad_request("Expected an XML document")
    if _END not in document:
        return None
    root = parse_xml(document.rstrip(b"\0\r\n "), bad_request)
    if root.tag != "voms":
        raise bad_request("Expected a <voms> document")
    return _request(root)


def _request(root: Element) -> AcRequest:
    commands = [text for element in root.all("command") for text in element.text.strip().split(",") if text]
    if not commands:
        raise bad_request("The request has no command")
    return AcRequest(
        fqans=tuple(_wanted(text) for text in commands if text not in ("A", "N")),
        everything="A" in commands,
        listing="N" in commands,
        order=parse_names([text for element in root.all("order") for text in element.text.strip().split(",")]),
        targets=parse_targets([text for element in root.all("targets") for text in element.text.split(",")]),
        lifetime=parse_lifetime(root.first("lifetime") or ""),
        unknown_parameters=any(child.tag not in _KNOWN for child in root.children),
    )


def _wanted(text: str) -> Fqan:
    """A command: `G/vo/group`, `B/vo/group:role`, or a plain name."""
    return parse_wanted(text[1:] if text[:2] in ("G/", "B/") else text)


def render_request(request: AcRequest) -> bytes:
    """A client's request."""
    commands = [command(fqan) for fqan in request.fqans]
    commands += ["N"] if request.listing else ["A"] if request.everything else []
    parts = [f"<command>{xml_text(text)}</command>" for text in commands]
    if request.order:
        parts.append(f"<order>{xml_text(','.join(str(fqan) for fqan in request.order))}</order>")
    if request.targets:
        parts.append(f"<targets>{xml_text(','.join(request.targets))}</targets>")
    parts.append("<base64>1</base64><version>4</version>")
    if request.lifetime is not None:
        parts.append(f"<lifetime>{request.lifetime}</lifetime>")
    return f'<?xml version="1.0" encoding="US-ASCII"?><voms>{"".join(parts)}</voms>'.encode(
        "ascii", "xmlcharrefreplace"
    )


def render_reply(reply: Reply) -> bytes:
    """A server's reply."""
    match reply:
        case ErrorReply():
            content = _items([(reply.refusal.number, reply.text)]) + _PLACEHOLDER
        case ListReply():
            names = "".join(f"{fqan.long}\n" for fqan in reply.fqans)
            content = f"<bitstr>{encode_base64(names.encode())}</bitstr>"
        case AcReply():
            warnings = [(warning.notice.value, warning.text) for warning in reply.warnings]
            content = (_items(warnings) if warnings else "") + f"<ac>{encode_base64(reply.ac)}</ac>"
    return f"{_PROLOGUE}{content}</vomsans>".encode("ascii", "xmlcharrefreplace")


def _items(items: list[tuple[int, str]]) -> str:
    inner = "".join(
        f"<item><number>{number}</number><message>{xml_text(text)}</message></item>" for number, text in items
    )
    return f"<error>{inner}</error>"


def parse_reply(data: bytes) -> Reply:
    """A client's reading of a reply. Raises `VomsError` (`voms.reply.*`, `voms.fqan.syntax`)."""
    root = parse_reply_xml(data)
    if root.tag != "vomsans":
        raise bad_reply("The reply is not one of a VOMS server")
    items = [_item(item) for error in root.all("error") for item in error.all("item")]
    errors = [(number, text) for number, text in items if number >= _FIRST_ERROR]
    if errors:
        return ErrorReply(_refusal(*errors[0]), errors[0][1])
    names = root.first("bitstr")
    if names is not None and root.first("ac") is None:
        return ListReply(_names(decode_base64(names)))
    ac = root.first("ac")
    if ac is None:
        raise bad_reply("The reply holds neither a certificate nor an error")
    return AcReply(decode_base64(ac), tuple(_warning(number, text) for number, text in items))


def _item(item: Element) -> tuple[int, str]:
    number = (item.first("number") or "").strip()
    if not (number.isascii() and number.isdigit() and len(number) <= 5):
        raise bad_reply("The reply holds an error without a number")
    return int(number), (item.first("message") or "").strip()


def _warning(number: int, text: str) -> Warn:
    return Warn(_NOTICES.get(number, Notice.OTHER), text)


def _refusal(number: int, text: str) -> Refusal:
    """1001 stands for two things; the text tells them apart."""
    if number == Refusal.BAD_REQUEST.number and "Unable to satisfy" in text:
        return Refusal.BAD_REQUEST
    return next((refusal for refusal in Refusal if refusal.number == number), Refusal.INTERNAL_ERROR)


def _names(data: bytes) -> tuple[Fqan, ...]:
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise bad_reply("The reply holds names that are not ASCII") from None
    return parse_names(text.splitlines())
