"""A real SMTP server (aiosmtpd) on loopback that keeps what it gets, and can be told to refuse."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from tests.support.ports import free_port


@dataclass
class Mailbox:
    """`received`: whole messages with their recipients. `refusals`: answers to RCPT by address; `broken`: to every DATA."""

    received: list[tuple[str, bytes]] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)
    broken: str = ""
    sessions: int = 0
    port: int = 0
    login: tuple[bytes, bytes] | None = None

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.sessions += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.broken:
            return self.broken
        assert isinstance(envelope.content, bytes)
        self.received.append((envelope.rcpt_tos[0], envelope.content))
        return "250 OK"

    def authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == self.login
        return AuthResult(success=right, handled=False)

    def letters(self, recipient: str | None = None) -> list[EmailMessage]:
        """What arrived, parsed, oldest first."""
        parsed = [(to, message_from_bytes(raw, policy=policy.default)) for to, raw in self.received]
        found = [letter for to, letter in parsed if recipient in (None, to)]
        assert all(isinstance(letter, EmailMessage) for letter in found)
        return found  # type: ignore[return-value]  # the policy's class, as asserted


@contextmanager
def smtp_server(*, tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None) -> Iterator[Mailbox]:
    """With `tls` STARTTLS is demanded."""
    port = free_port()
    box = Mailbox(port=port, login=(login[0].encode(), login[1].encode()) if login else None)
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=port,
        tls_context=tls,
        require_starttls=tls is not None,
        auth_required=login is not None,
        authenticator=box.authenticate if login else None,
    )
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
