"""The queue: in the caller's transaction, at least once, with patience and an end to it."""

import asyncio
import os
import signal
import ssl
import stat
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.pki import Grid
from tests.support.schema import differences
from tests.support.smtpd import smtp_server

from hansa.base.config import load
from hansa.base.database import Database
from hansa.base.errors import ConfigurationError
from hansa.base.mail import MailState, Message, SmtpSettings, configured, store
from hansa.base.mail.mailer import BATCH, Mailer, NoSuchMail, pause
from hansa.base.mail.settings import MailSettings
from hansa.base.mail.transport import Directory, Security, Smtp, Transport
from hansa.base.migrations import upgrade


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    db = Database(database_url)
    await upgrade(db, "federation")
    yield db
    db.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def mailer(db: Database, clock: Clock, transport: Transport) -> Mailer:
    return Mailer(db, transport, clock, sender="hansa@example.org")


def message(to: str = "alice@example.org", text: str = "hello") -> Message:
    return Message(to, "Welcome", text, about="test")


async def test_the_table_is_what_the_store_believes(db):
    assert await differences(db, store.metadata) == []


async def test_a_message_reaches_the_outbox_as_a_private_file(db, clock, tmp_path):
    out = mailer(db, clock, Directory(tmp_path / "outbox"))
    await out.send(message())
    assert await out.deliver() == 1
    (file,) = (tmp_path / "outbox").iterdir()
    assert file.suffix == ".eml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert b"hello" in file.read_bytes()
    assert await out.deliver() == 0


async def test_a_transaction_that_is_undone_sends_nothing(db, clock, tmp_path):
    out = mailer(db, clock, Directory(tmp_path))

    def change(connection):
        out.queue(connection, message())
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await db.write(change)
    assert await out.deliver() == 0
    assert await out.listed() == []


async def test_what_was_sent_leaves_a_record_without_its_text(db, clock, tmp_path):
    out = mailer(db, clock, Directory(tmp_path))
    number = await out.send(message(text="https://example.org/?code=secret"))
    assert b"code=secret" in (await out.content(number))[1]
    await out.deliver()
    found, content = await out.content(number)
    assert (found.state, found.recipient, found.attempts, content) == (MailState.SENT, "alice@example.org", 1, b"")
    clock.now += timedelta(days=31)
    await out.forget()
    assert await out.listed() == []


async def test_smtp_delivers_a_batch_over_one_connection(db, clock):
    with smtp_server() as box:
        out = mailer(db, clock, Smtp("127.0.0.1", box.port, security=Security.NONE))
        for number in range(5):
            await out.send(message(f"user{number}@example.org"))
        assert await out.deliver() == 5
        assert [to for to, _ in box.received] == [f"user{number}@example.org" for number in range(5)]
        assert box.sessions == 1
        assert box.letters("user3@example.org")[0]["Subject"] == "Welcome"


async def test_a_refused_recipient_fails_at_once_and_the_others_get_theirs(db, clock):
    with smtp_server() as box:
        box.refusals["nobody@example.org"] = "550 no such user"
        out = mailer(db, clock, Smtp("127.0.0.1", box.port, security=Security.NONE))
        for name in ("nobody", "bob"):
            await out.send(message(f"{name}@example.org"))
        await out.deliver()
        assert [to for to, _ in box.received] == ["bob@example.org"]
        (failed,) = await out.listed(MailState.FAILED)
        assert (failed.recipient, failed.error) == ("nobody@example.org", "550 no such user")
        box.refusals.clear()
        await out.again(failed.id)
        await out.deliver()
        assert len(box.received) == 2
        with pytest.raises(NoSuchMail):
            await out.again(failed.id)


@pytest.mark.parametrize("trouble", ["busy", "gone"])
async def test_trouble_that_passes_is_waited_for_and_then_given_up(db, clock, trouble):
    with smtp_server() as box:
        box.broken = "451 try later"
        port = box.port if trouble == "busy" else 1
        out = mailer(db, clock, Smtp("127.0.0.1", port, security=Security.NONE, timeout=5))
        await out.send(message())
        tries = 0
        while await out.listed(MailState.WAITING):
            tries += await out.deliver()
            clock.now += timedelta(hours=1)
        (failed,) = await out.listed(MailState.FAILED)
        assert failed.attempts == tries > 20
        assert ("451 try later" if trouble == "busy" else "refused") in failed.error
        box.broken = ""
        await out.again(failed.id)
        await mailer(db, clock, Smtp("127.0.0.1", box.port, security=Security.NONE)).deliver()
        assert len(box.received) == 1


def test_pauses_grow_from_a_minute_to_four_hours():
    assert [pause(n) for n in (1, 2, 3)] == [timedelta(minutes=n) for n in (1, 2, 4)]
    assert pause(1000) == timedelta(hours=4)


async def test_starttls_with_a_trusted_certificate_and_a_login(db, clock, tmp_path):
    server, files = tls_server(tmp_path)
    with smtp_server(tls=server, login=("hansa", "s3cret!")) as box:
        for login, trusted, arrives in [
            (("hansa", "s3cret!"), files, 1),
            (("hansa", "wrong"), files, 0),
            (("hansa", "s3cret!"), None, 0),
        ]:
            box.received.clear()
            out = mailer(db, clock, Smtp("localhost", box.port, login=login, authorities=trusted))
            number = await out.send(message())
            await out.deliver()
            assert len(box.received) == arrives
            assert "s3cret!" not in (await out.content(number))[0].error


async def test_mail_never_goes_in_the_clear_by_accident(db, clock):
    with smtp_server() as box:  # which offers no STARTTLS
        out = mailer(db, clock, Smtp("127.0.0.1", box.port))
        await out.send(message())
        await out.deliver()
        assert box.received == []
        assert "STARTTLS" in (await out.listed(MailState.WAITING))[0].error


def tls_server(home: Path) -> tuple[ssl.SSLContext, Path]:
    """A server context for localhost, and the file of its authority."""
    grid = Grid(now=datetime.now(UTC).replace(microsecond=0))
    grid.write(home)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(home / "hostcert.pem", home / "hostkey.pem")
    (home / "ca.pem").write_bytes(grid.authority.certificate.public_bytes(Encoding.PEM))
    return context, home / "ca.pem"


async def test_two_mailers_never_send_the_same(db, clock):
    with smtp_server() as box:
        transport = Smtp("127.0.0.1", box.port, security=Security.NONE)
        outs = [mailer(db, clock, transport) for _ in range(3)]
        for number in range(4 * BATCH):
            await outs[0].send(message(f"user{number}@example.org"))
        while sum(await asyncio.gather(*(out.deliver() for out in outs))):
            pass
        assert len(box.received) == len({to for to, _ in box.received}) == 4 * BATCH


async def test_what_a_killed_process_had_taken_is_sent_by_the_next(tmp_path):
    """It dies after the queueing transaction and within the delivery: nothing is lost, and nothing waits for a lease."""
    url = f"sqlite:///{tmp_path / 'test.db'}"
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.mail_crashing",
        url,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert await child.wait() == -signal.SIGKILL
    db = Database(url)
    with smtp_server() as box:
        out = Mailer(
            db,
            Smtp("127.0.0.1", box.port, security=Security.NONE),
            lambda: datetime.now(UTC),
            sender="hansa@example.org",
        )
        await out.open()
        async with asyncio.timeout(30):
            while len(box.received) < 3:  # noqa: ASYNC110  # another thread's server, it sets no event
                await asyncio.sleep(0.05)
        await out.close()
        assert sorted(to for to, _ in box.received) == [f"user{number}@example.org" for number in range(3)]
    db.close()


def settings(tmp_path: Path, text: str) -> MailSettings:
    path = tmp_path / "mail.toml"
    path.write_text(text)
    return load(path, MailSettings, {})


@pytest.mark.parametrize(
    "text",
    [
        'sender = "nobody"',
        '[smtp]\nhost = "mail.example.org"\nsecurity = "none"',
        '[smtp]\nhost = "mail.example.org"\nuser = "hansa"',
        '[smtp]\nhost = "mail.example.org"\nport = 0',
    ],
)
def test_settings_that_are_refused(tmp_path, text):
    with pytest.raises(ConfigurationError):
        settings(tmp_path, text)


async def test_a_password_that_others_may_read_is_refused(db, clock, tmp_path):
    text = '[smtp]\nhost = "mail.example.org"\nuser = "hansa"\npassword_file = "password"'
    (tmp_path / "password").write_text("s3cret\n")
    (tmp_path / "password").chmod(0o644)
    with pytest.raises(ConfigurationError, match="0600"):
        configured(settings(tmp_path, text), db, clock)
    (tmp_path / "password").chmod(0o600)
    configured(settings(tmp_path, text), db, clock)
    (tmp_path / "password").unlink()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        configured(settings(tmp_path, text), db, clock)


async def test_a_configured_mailer_speaks_to_its_relay(db, clock, tmp_path):
    with smtp_server() as box:
        relay = f'[smtp]\nhost = "127.0.0.1"\nport = {box.port}\nsecurity = "none"'
        out = configured(settings(tmp_path, f'sender = "vo@example.org"\nsender_name = "Example"\n{relay}'), db, clock)
        await out.send(message())
        await out.deliver()
        assert str(box.letters()[0]["From"]) == "Example <vo@example.org>"


def test_a_relay_shows_no_password():
    assert "s3cret" not in repr(Smtp("h", 25, login=("hansa", "s3cret")))
    assert SmtpSettings(host="localhost").security is Security.STARTTLS
