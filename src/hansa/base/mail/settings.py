"""`[mail]` in a component's configuration."""

from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from hansa.base.config import FilePath, Settings
from hansa.base.database import Database
from hansa.base.errors import ConfigurationError, HansaError
from hansa.base.mail.address import check_address
from hansa.base.mail.mailer import Mailer
from hansa.base.mail.transport import Directory, Security, Smtp, Transport


def _address(text: str) -> str:
    try:
        return check_address(text)
    except HansaError as error:
        raise ValueError("it must be an address like name@example.org") from error


class SmtpSettings(Settings):
    """A relay that takes our mail."""

    host: str = Field(min_length=1, max_length=253, description="Host name, as its certificate has it.")
    port: int = Field(587, ge=1, le=65535, description="587 with `starttls`, 465 with `tls`, 25 between servers.")
    security: Security = Field(
        Security.STARTTLS,
        description="`starttls` or `tls`, the certificate is checked; `none` only for a relay on this host.",
    )
    authorities: FilePath | None = Field(
        None, description="PEM file of authorities for the relay's certificate; without it the system's."
    )
    user: str = Field("", description="Whom to log in as; empty: no login.")
    password_file: FilePath | None = Field(None, description="File that holds the password, mode 0600.")
    timeout: float = Field(30, gt=0, le=120, description="Seconds to wait for each answer.")

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if self.security is Security.NONE and not _is_here(self.host):
            raise ValueError("mail leaves this host encrypted only: security must be starttls or tls")
        if bool(self.user) != bool(self.password_file):
            raise ValueError("user and password_file go together")
        return self


class MailSettings(Settings):
    sender: Annotated[str, AfterValidator(_address)] = Field(
        "hansa@localhost", description="Address that mail comes from; bounces go there."
    )
    sender_name: str = Field("", max_length=100, description="Name beside that address.")
    outbox: FilePath = Field(
        FilePath("/var/lib/hansa/outbox"),
        description="Directory where mail is put as .eml files when there is no `[mail.smtp]`.",
    )
    smtp: SmtpSettings | None = Field(None, description="The relay; without it mail goes to the outbox directory.")
    patience_days: float = Field(4, gt=0, le=30, description="How long to try before a message counts as failed.")
    kept_days: float = Field(30, gt=0, description="How long the record of sent and failed messages is kept.")


def configured(settings: MailSettings, db: Database, clock: Callable[[], datetime]) -> Mailer:
    """As configured; not yet delivering. ConfigurationError if the password cannot be read."""
    return Mailer(
        db,
        _transport(settings),
        clock,
        sender=settings.sender,
        sender_name=settings.sender_name,
        patience=timedelta(days=settings.patience_days),
        kept=timedelta(days=settings.kept_days),
    )


def _transport(settings: MailSettings) -> Transport:
    smtp = settings.smtp
    if smtp is None:
        return Directory(settings.outbox)
    login = (smtp.user, _password(smtp).get_secret_value()) if smtp.user else None
    return Smtp(
        smtp.host,
        smtp.port,
        security=smtp.security,
        login=login,
        authorities=smtp.authorities,
        timeout=smtp.timeout,
    )


def _password(smtp: SmtpSettings) -> SecretStr:
    assert smtp.password_file is not None
    try:
        if smtp.password_file.stat().st_mode & 0o077:
            raise ConfigurationError(
                f"Others may read {smtp.password_file}; give it mode 0600.", key="mail.smtp.password_file"
            )
        return SecretStr(smtp.password_file.read_text(encoding="utf-8").strip("\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The password for the mail relay cannot be read: {error}.", key="mail.smtp.password_file"
        ) from error


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
