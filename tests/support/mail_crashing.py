"""A program that queues three messages, takes them for delivery and is killed before it has sent one.

python -m tests.support.mail_crashing DATABASE_URL
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from hansa.base.database import Database
from hansa.base.mail import Mailer, Message
from hansa.base.mail.model import Envelope, Outcome
from hansa.base.migrations import upgrade


class Deadly:
    """A way out that is none."""

    def deliver(self, _sender: str, _batch: Sequence[Envelope]) -> list[Outcome]:
        os.kill(os.getpid(), signal.SIGKILL)
        return []


async def main(url: str) -> None:
    db = Database(url)
    await upgrade(db, "federation")
    mailer = Mailer(db, Deadly(), lambda: datetime.now(UTC), sender="hansa@example.org")
    for number in range(3):
        await mailer.send(Message(f"user{number}@example.org", "Welcome", "hello"))
    await mailer.deliver()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
