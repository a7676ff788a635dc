"""Ways out: an SMTP server, or a directory where nobody waits for one."""

import os
import smtplib
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from hansa.base.mail.model import Envelope, Outcome, Result


class Transport(Protocol):
    """Blocking; called in a thread."""

    def deliver(self, sender: str, batch: Sequence[Envelope]) -> list[Outcome]:
        """One outcome for each message, in their order. Raises nothing for what a server or a disk does."""


class Security(StrEnum):
    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class Directory:
    """Each message a file `TIME-NUMBER.eml`, mode 0600, whole or not there; sending it twice leaves one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def deliver(self, _sender: str, batch: Sequence[Envelope]) -> list[Outcome]:
        return [self._write(each) for each in batch]

    def _write(self, envelope: Envelope) -> Outcome:
        name = f"{envelope.queued:%Y%m%dT%H%M%S}-{envelope.id}"
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = self._path / f".{name}.part"
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(envelope.content)
                file.flush()
                os.fsync(file.fileno())
            part.rename(self._path / f"{name}.eml")
            folder = os.open(self._path, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            return Outcome(envelope.id, Result.DEFERRED, str(error))
        return Outcome(envelope.id, Result.SENT)


class Smtp:
    """A relay. Its certificate is checked against `authorities` (a PEM file) or the system's. One connection for a batch."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        security: Security = Security.STARTTLS,
        login: tuple[str, str] | None = None,
        authorities: Path | None = None,
        timeout: float = 30.0,
    ) -> None:
        self._host, self._port, self._timeout = host, port, timeout
        self._security, self._login, self._authorities = security, login, authorities

    def __repr__(self) -> str:
        return f"Smtp({self._host!r}, {self._port}, security={self._security.value!r})"

    def deliver(self, sender: str, batch: Sequence[Envelope]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        try:
            with self._connected() as server:
                for each in batch:
                    outcomes.append(_send(server, sender, each))  # noqa: PERF401  # what was sent stays told
        except (OSError, smtplib.SMTPException) as error:
            missing = batch[len(outcomes) :]
            outcomes += [Outcome(each.id, Result.DEFERRED, _words(error)) for each in missing]
        return outcomes

    def _connected(self) -> smtplib.SMTP:
        context = None
        if self._security is not Security.NONE:
            context = ssl.create_default_context(cafile=self._authorities)
        name = socket.gethostname()
        if self._security is Security.TLS:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, name, timeout=self._timeout, context=context
            )
        else:
            server = smtplib.SMTP(self._host, self._port, name, timeout=self._timeout)
        try:
            if self._security is Security.STARTTLS:
                server.starttls(context=context)  # raises where the server offers none: never in the clear by accident
            if self._login:
                server.login(*self._login)
        except BaseException:
            server.close()
            raise
        return server


def _send(server: smtplib.SMTP, sender: str, envelope: Envelope) -> Outcome:
    """Raises what ends the connection; the server's answers are outcomes."""
    try:
        server.sendmail(sender, [envelope.recipient], envelope.content)
    except smtplib.SMTPRecipientsRefused as error:
        code, text = error.recipients[envelope.recipient]
        return _answered(envelope, code, text)
    except smtplib.SMTPServerDisconnected:
        raise
    except smtplib.SMTPResponseException as error:
        with suppress(smtplib.SMTPException, OSError):
            server.rset()
        return _answered(envelope, error.smtp_code, error.smtp_error)
    return Outcome(envelope.id, Result.SENT)


def _answered(envelope: Envelope, code: int, text: bytes | str) -> Outcome:
    result = Result.REFUSED if 500 <= code < 600 else Result.DEFERRED
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return Outcome(envelope.id, result, f"{code} {words}"[:500])


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"[:500]
    return f"{type(error).__name__}: {error}"[:500]
