"""Asking VOMS servers for attribute certificates: REST first, then the legacy dialect on the same port."""

import socket
import ssl
import time

from cryptography import x509

from hansa.base.i18n import _
from hansa.client.errors import BadReply, ServerUntrusted, Timeout, Unreachable, VomsRefused
from hansa.client.http import Http, explain
from hansa.standards.errors import StandardError
from hansa.standards.voms import VomsServer
from hansa.standards.voms.wire import MAX_REPLY_BYTES, AcReply, AcRequest, ErrorReply, Reply, legacy, rest
from hansa.standards.x509 import Name

_LEGACY_END = b"</vomsans>"


def request_ac(server: VomsServer, request: AcRequest, tls: ssl.SSLContext, *, timeout: float = 30.0) -> AcReply:
    """One server's attribute certificate. `tls` carries our proxy; the server is proved by its CA and name.

    Raises VomsRefused with the server's own words, or what client.http raises.
    """
    tls.check_hostname = False  # `_check_name` does it: a vomses line may name the certificate instead of the host
    try:
        reply = _rest(server, request, tls, timeout)
    except (BadReply, StandardError, Unreachable):
        reply = _legacy(server, request, tls, timeout)
    if isinstance(reply, AcReply):
        return reply
    words = reply.text if isinstance(reply, ErrorReply) else _("it sent a list instead of a certificate")
    raise VomsRefused(
        _("{host}:{port} refuses: {words}").format(host=server.host, port=server.port, words=" ".join(words.split())),
        refusal=reply.refusal.word if isinstance(reply, ErrorReply) else "",
    )


def _rest(server: VomsServer, request: AcRequest, tls: ssl.SSLContext, timeout: float) -> Reply:
    def check_peer(connected: ssl.SSLSocket) -> None:
        _check_name(connected, server)

    with Http(f"https://{server.host}:{server.port}", tls=tls, timeout=timeout, check_peer=check_peer) as http:
        answer = http.request("GET", rest.render_target(request))
    return rest.parse_reply(answer.body)


def _legacy(server: VomsServer, request: AcRequest, tls: ssl.SSLContext, timeout: float) -> Reply:
    where = f"{server.host}:{server.port}"
    deadline = time.monotonic() + timeout
    try:
        with (
            socket.create_connection((server.host, server.port), timeout) as plain,
            tls.wrap_socket(plain, server_hostname=server.host) as connected,
        ):
            _check_name(connected, server)
            connected.sendall(legacy.render_request(request))
            data = _read(connected, where, deadline)
    except TimeoutError as error:
        raise Timeout(
            _("{where} did not answer within {seconds:g} seconds.").format(where=where, seconds=timeout)
        ) from error
    except OSError as error:
        raise explain(error, where) from error
    try:
        return legacy.parse_reply(data)
    except StandardError as error:
        raise BadReply(
            _("{where} does not answer as a VOMS server: {reason}").format(where=where, reason=error)
        ) from error


def _read(connected: ssl.SSLSocket, where: str, deadline: float) -> bytes:
    """Until the document ends, or the connection: old servers close without saying so."""
    data = bytearray()
    while _LEGACY_END not in data:
        if time.monotonic() > deadline:
            raise TimeoutError
        try:
            chunk = connected.recv(65536)
        except ssl.SSLEOFError:
            break
        if not chunk:
            break
        data += chunk
        if len(data) > MAX_REPLY_BYTES:
            raise BadReply(_("{where} sent more than {limit} bytes.").format(where=where, limit=MAX_REPLY_BYTES))
    return bytes(data)


def _check_name(connected: ssl.SSLSocket, server: VomsServer) -> None:
    """The server's certificate bears the name in vomses, or is made for the host."""
    encoded = connected.getpeercert(binary_form=True) or b""
    certificate = x509.load_der_x509_certificate(encoded)
    if Name.from_x509(certificate.subject) == server.name or server.host.lower() in _hosts(certificate):
        return
    raise ServerUntrusted(
        _("{host}:{port} shows the certificate of {name}, not that of {wanted}.").format(
            host=server.host, port=server.port, name=Name.from_x509(certificate.subject), wanted=server.name
        ),
        cause=_("The vomses line is out of date, or somebody else answers at that address."),
    )


def _hosts(certificate: x509.Certificate) -> set[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    addresses = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    return {host.lower() for host in names.get_values_for_type(x509.DNSName)} | addresses
