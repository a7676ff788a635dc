"""Mail to people: queued in the caller's transaction, delivered later, at least once.

    def approve(connection: Connection) -> None:
        ...
        mailer.queue(connection, Message("alice@example.org", _("Welcome"), text))

What a transaction queued is sent if and only if that transaction was committed, also when the process dies in between; a
message that was under way when it died is sent again under the same Message-ID. `Mailer.run` delivers, over SMTP or, by
default, into a directory of `.eml` files. What the server refuses for good, or what could not be sent for days, is kept as
failed: `hansa federation mail list` shows it, `hansa_mail_messages_total` counts it.
"""

from hansa.base.mail.address import check_address
from hansa.base.mail.mailer import Mailer
from hansa.base.mail.model import InvalidAddress, Mail, MailState, Message
from hansa.base.mail.settings import MailSettings, SmtpSettings, configured

__all__ = [
    "InvalidAddress",
    "Mail",
    "MailSettings",
    "MailState",
    "Mailer",
    "Message",
    "SmtpSettings",
    "check_address",
    "configured",
]
