"""The queue and its delivery. Several processes may deliver from one database: each message is taken by one of them."""

import asyncio
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy import Connection

from hansa.base.database import Database
from hansa.base.errors import BackendDown, CapacityExceeded, NotFound
from hansa.base.mail import store
from hansa.base.mail.compose import compose, one_line
from hansa.base.mail.model import Mail, MailState, Message, Outcome, Result
from hansa.base.mail.transport import Transport
from hansa.base.telemetry.metrics import REGISTRY
from hansa.base.workflows import owner

BATCH = 10
LEASE = timedelta(minutes=10)  # longer than a batch can take, or two processes would send the same
POLL_SECONDS = 1.0
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=4)
SWEEP_SECONDS = 3600.0

outcomes = Counter("hansa_mail_messages", "Attempts to send mail, by outcome.", ["outcome"], registry=REGISTRY)
waiting = Gauge("hansa_mail_waiting", "Messages queued and not yet sent.", registry=REGISTRY)
log = structlog.stdlib.get_logger(__name__)


class NoSuchMail(NotFound):
    code = "mail.no_such_message"


class Mailer:
    """`sender` is the address in From and of the envelope. What could not be sent for `patience` is given up."""

    def __init__(
        self,
        db: Database,
        transport: Transport,
        clock: Callable[[], datetime],
        *,
        sender: str,
        sender_name: str = "",
        patience: timedelta = timedelta(days=4),
        kept: timedelta = timedelta(days=30),
    ) -> None:
        self._db, self._transport, self._clock = db, transport, clock
        self._sender, self._sender_name = sender, sender_name
        self._patience, self._kept = patience, kept
        self._owner = owner.name()
        self._task: asyncio.Task[None] | None = None

    def queue(self, connection: Connection, message: Message) -> int:
        """Sent once the caller's transaction is committed, and only then. Gives the message's number."""
        now = self._clock()
        message_id = f"{uuid.uuid4()}@{self._sender.rpartition('@')[2]}"
        content = compose(message, sender=self._sender, sender_name=self._sender_name, message_id=message_id, now=now)
        return store.insert(
            connection,
            about=message.about,
            recipient=message.to,
            subject=one_line(message.subject),
            content=content,
            now=now,
        )

    async def send(self, message: Message) -> int:
        """`queue` in a transaction of its own."""
        return await self._db.write(lambda connection: self.queue(connection, message))

    async def open(self) -> None:
        """Take up what a dead process left, and deliver in the background."""
        is_dead = partial(owner.is_dead, one_host=self._db.is_sqlite)
        await self._db.write(lambda connection: store.release(connection, self._clock(), is_dead))
        self._task = asyncio.create_task(self._run(), name="mail delivery")

    async def close(self) -> None:
        """After the batch at hand, if it does not take long."""
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def deliver(self) -> int:
        """One batch of what is due; how many were tried."""
        batch = await self._db.write(lambda c: store.claim(c, self._owner, self._clock(), LEASE, BATCH))
        if not batch:
            return 0
        results = await asyncio.shield(asyncio.to_thread(self._transport.deliver, self._sender, batch))
        await self._db.write(lambda connection: self._record(connection, results))
        for each in results:
            outcomes.labels(each.result.value).inc()
        return len(batch)

    async def listed(self, state: MailState | None = None, limit: int = 100) -> list[Mail]:
        """The latest first."""
        return await self._db.read(lambda connection: store.listed(connection, state, limit))

    async def content(self, number: int) -> tuple[Mail, bytes]:
        """A message and its bytes, which are gone once it was sent. Raises NoSuchMail."""
        found = await self._db.read(lambda connection: store.content(connection, number))
        if found is None:
            raise NoSuchMail(f"There is no message {number}.")
        return found

    async def again(self, number: int) -> None:
        """Try a failed message once more. Raises NoSuchMail."""
        if not await self._db.write(lambda connection: store.again(connection, number, self._clock())):
            raise NoSuchMail(f"There is no failed message {number}.")

    async def forget(self) -> None:
        """Drop the record of what ended long ago."""
        await self._db.write(lambda connection: store.forget(connection, self._clock() - self._kept))

    def _record(self, connection: Connection, results: list[Outcome]) -> None:
        now = self._clock()
        for each in results:
            attempts, since = store.tried(connection, each.id)
            if each.result is Result.SENT:
                store.sent(connection, each.id, now)
            elif each.result is Result.REFUSED or now - since >= self._patience:
                store.failed(connection, each.id, now, each.error)
                log.error("mail.failed", mail=each.id, attempts=attempts, error=each.error)
            else:
                due = now + pause(attempts)
                store.deferred(connection, each.id, due, each.error)
                log.warning("mail.deferred", mail=each.id, attempts=attempts, error=each.error, due=due.isoformat())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        swept = loop.time() - SWEEP_SECONDS
        while True:
            try:
                while await self.deliver() == BATCH:
                    pass
                waiting.set(await self._db.read(store.waiting))
                if loop.time() - swept >= SWEEP_SECONDS:
                    swept = loop.time()
                    await self.forget()
            except (BackendDown, CapacityExceeded) as error:
                log.warning("mail.database_away", error=error.message)
            except Exception:
                log.exception("mail.delivery_failed")
            await asyncio.sleep(POLL_SECONDS)


def pause(attempts: int) -> timedelta:
    """Before the next attempt: a minute, two, four … four hours."""
    return min(FIRST_PAUSE * (1 << min(attempts - 1, 20)), LONGEST_PAUSE)
