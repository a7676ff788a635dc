"""From a message to its bytes.

Nothing that a person wrote is parsed here, only encoded: what is not plain ASCII, or looks like an encoded word, goes into
encoded words itself (RFC 2047), so that no name or subject can grow another header.
"""

import re
import unicodedata
from datetime import datetime
from email import policy
from email.header import Header
from email.mime.text import MIMEText
from email.utils import format_datetime

from hansa.base.mail.model import Message

_WIRE = policy.compat32.clone(linesep="\r\n", mangle_from_=False)
_SPECIAL = re.compile(r'[\\"]')
MAX_LINE = 900
MAX_TEXT = 200_000
MAX_SUBJECT = 200


def compose(message: Message, *, sender: str, sender_name: str, message_id: str, now: datetime) -> bytes:
    """The whole message. `message_id` without angle brackets."""
    mail = _body(message.text[:MAX_TEXT])
    mail["From"] = _mailbox(sender, sender_name)
    mail["To"] = _mailbox(message.to, message.name)
    mail["Subject"] = _words(message.subject[:MAX_SUBJECT])
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{message_id}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation replies to this
    mail["Content-Language"] = message.language
    return mail.as_bytes(policy=_WIRE)


def one_line(text: str) -> str:
    """Control, format and line-breaking characters become spaces."""
    return "".join(" " if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else c for c in text).strip()


def _body(text: str) -> MIMEText:
    clean = "".join(c if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"} else " " for c in text)
    lines = clean.split("\n")
    if clean.isascii() and max(map(len, lines)) <= MAX_LINE:
        return MIMEText(clean, "plain", "us-ascii")  # readable as it is, in the directory of an embedded set-up too
    return MIMEText(clean, "plain", "utf-8")  # in base64: no relay needs to know 8BITMIME


def _words(text: str) -> str:
    clean = one_line(text)
    if clean.isascii() and "=?" not in clean:
        return clean
    return Header(clean, "utf-8", maxlinelen=60).encode()


def _mailbox(address: str, name: str) -> str:
    clean = one_line(name)[:MAX_SUBJECT]
    if not clean:
        return address
    if clean.isascii() and "=?" not in clean:
        return '"{}" <{}>'.format(_SPECIAL.sub(r"\\\g<0>", clean), address)
    return f"{Header(clean, 'utf-8', maxlinelen=60).encode()} <{address}>"
