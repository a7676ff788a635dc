"""From nothing to a proxy and a token: apply with a certificate, follow the mailed link, be approved, work at a site.

The federation is a process, the mail server a real one, everybody types `hansa` or uses a browser's requests.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.support.keystone import running_keystone
from tests.support.pki import Grid, split_credential, write_files, write_secret
from tests.support.ports import free_port
from tests.support.smtpd import Mailbox, smtp_server
from tests.support.voms import write_config
from tests.support.wire import Wire, client_context

from hansa.client.proxy import ProxySummary, summarize

LINK = re.compile(r"https://[^\s]+/join/confirm\?code=([\w-]+)")
FORM = {
    "given_name": "상완",
    "surname": "Kim",
    "email": "sangwan@example.org",
    "motivation": "We should test the interlocking between our resources and others.",
    "login": "sangwan",
    "password": "not-so-s3cret",
    "locale": "ko",
}


@dataclass
class Federation:
    """A federation's server that can be killed and started again, and the homes of those who use it."""

    home: Path
    grid: Grid
    box: Mailbox
    web: int
    config: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.process = await run("federation", "serve", "--config", self.config)
        await self._until_open()

    async def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        await self.process.communicate()

    async def stop(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        _, err = await asyncio.wait_for(self.process.communicate(), 20)
        assert self.process.returncode == 0, err.decode()

    async def admin(self, *words: str) -> None:
        """The operator, on the database."""
        code, _, err = await typed(None, "vo", "--config", str(self.config), *words)
        assert code == 0, err

    def user(self, name: str) -> dict[str, str]:
        """The environment of somebody with a certificate and a profile."""
        home = self.home / name
        certificate, key = split_credential(self.grid.once(name, lambda: self.grid.user(name)))
        write_files(home / ".globus", {"usercert.pem": certificate})
        write_secret(home / ".globus/userkey.pem", key)
        profile = f"""vo = "{self.grid.vo}"
[paths]
certificates = "{self.home}/certificates"
vomsdir = "{self.home}/vomsdir"
vomses = ["{self.home}/vomses"]
proxy = "{home}/x509up"
[federation]
url = "https://localhost:{self.web}"
"""
        (home / "profile.toml").write_text(profile)
        return {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "HANSA_PROFILE": str(home / "profile.toml"),
            "X509_CERT_DIR": str(self.home / "certificates"),
            "X509_VOMS_DIR": str(self.home / "vomsdir"),
            "X509_USER_PROXY": str(home / "x509up"),
            "VOMS_USERCONF": str(self.home / "vomses"),
        }

    async def letter(self, to: str, count: int) -> str:
        """The text of the `count`th letter to an address, once it has come."""
        async with asyncio.timeout(60):
            while len(self.box.letters(to)) < count:  # noqa: ASYNC110  # another thread's server
                await asyncio.sleep(0.1)
        return str(self.box.letters(to)[count - 1].get_content())

    def subjects(self, to: str) -> list[str]:
        return [str(each["Subject"]) for each in self.box.letters(to)]

    async def page(self, method: str, code: str) -> tuple[int, dict[str, str], str]:
        """What a browser gets."""
        body = urlencode({"code": code}).encode()
        async with await Wire.to(self.web, client_context()) as wire:
            if method == "GET":
                answer = await wire.get(f"/join/confirm?code={code}")
            else:
                head = f"POST /join/confirm HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n"
                await wire.send(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode() + body)
                answer = await wire.answer()
        return answer.status, answer.headers, answer.body.decode()

    async def _until_open(self) -> None:
        for _ in range(300):
            assert self.process is not None
            assert self.process.returncode is None
            try:
                async with await Wire.to(self.web, client_context()):
                    return
            except OSError:
                await asyncio.sleep(0.1)
        raise AssertionError("the server does not listen")


def proxy_of(env: dict[str, str]) -> ProxySummary:
    return summarize(Path(env["X509_USER_PROXY"]).read_bytes())


async def run(
    *words: object, env: dict[str, str] | None = None, stdin: int | None = None
) -> asyncio.subprocess.Process:
    environment = {**(env or os.environ), "PYTHONPATH": os.pathsep.join(sys.path)}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hansa.cli.main", *map(str, words),
        env=environment, stdin=stdin, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def typed(env: dict[str, str] | None, *words: object, given: str = "") -> tuple[int | None, str, str]:
    process = await run(*words, env=env, stdin=asyncio.subprocess.PIPE)
    out, err = await asyncio.wait_for(process.communicate(given.encode()), 60)
    return process.returncode, out.decode(), err.decode()


async def sees(env: dict[str, str], *words: object, given: str = "") -> Any:
    code, out, err = await typed(env, *words, "-o", "json", given=given)
    assert code == 0, err
    return json.loads(out)


@asynccontextmanager
async def federation(home: Path) -> AsyncIterator[Federation]:
    grid = Grid(now=datetime.now(UTC).replace(microsecond=0), port=free_port())
    web = free_port()
    with smtp_server() as box:
        config = write_config(grid, home, grid.port)
        config.write_text(
            config.read_text()
            + f"""
[web]
public_url = "https://localhost:{web}"
[[web.listeners]]
name = "web"
port = {web}
tls = {{certificate = "hostcert.pem", key = "hostkey.pem"}}
[mail]
sender = "vo-office@example.org"
[mail.smtp]
host = "127.0.0.1"
port = {box.port}
security = "none"
[enrolment]
letter_pause = 0
"""
        )
        found = Federation(home, grid, box, web, config)
        boss = home / "boss.pem"
        boss.write_bytes(split_credential(grid.once("Boss", lambda: grid.user("Boss")))[0])
        await found.admin("create", grid.vo)
        await found.admin("member", "add", grid.vo, str(boss), "--email", "boss@example.org")
        await found.admin("role", "grant", grid.vo, "1", f"/{grid.vo}/Role=VO-Admin")
        await found.start()
        try:
            yield found
        finally:
            await found.stop()


@pytest.fixture
async def fed(tmp_path: Path) -> AsyncIterator[Federation]:
    async with federation(tmp_path) as found:
        yield found


async def test_from_an_application_to_a_proxy_and_a_token_at_a_site(fed: Federation, tmp_path: Path) -> None:
    vo, sangwan, boss = fed.grid.vo, fed.user("Sangwan"), fed.user("Boss")
    code, _, err = await typed(sangwan, "proxy", "init", "--voms", vo)
    assert code == 3, err  # not a member yet

    made = await sees(sangwan, "vo", "apply", vo, "--json", "-", given=json.dumps(FORM))
    assert made["applicant"]["subject"] == "/DC=org/DC=example/O=people/CN=Sangwan"
    assert (made["state"], made["email_verified"]) == ("submitted", False)
    assert made["messages"] == [
        "You have provided an unverified e-mail address; please follow the link in the message sent to you.",
        "Please wait until your application is either approved or rejected by the VO administrator.",
    ]
    code, _, err = await typed(boss, "vo", "applications", "approve", made["id"])
    assert "not confirmed" in err

    letter = await fed.letter("sangwan@example.org", 1)
    assert "확인" in letter  # the language that the form asked for
    found = LINK.search(letter)
    assert found
    for _ in range(2):  # a mail scanner opens every link
        status, headers, html = await fed.page("GET", found[1])
        assert (status, headers["referrer-policy"]) == (200, "no-referrer")
        assert "script" not in html
        assert headers["content-security-policy"].startswith("default-src 'none'")
    assert (await sees(sangwan, "vo", "applications", "show", made["id"]))["state"] == "submitted"
    status, _, html = await fed.page("POST", found[1])
    assert (status, "Your e-mail address is confirmed" in html) == (200, True)
    status, _, html = await fed.page("POST", found[1])
    assert (status, "This is done already" in html) == (410, True)

    await fed.letter("boss@example.org", 1)
    assert "waits for your decision" in fed.subjects("boss@example.org")[0]
    (waiting,) = (await sees(boss, "vo", "applications", "list", vo))["items"]
    assert (waiting["id"], waiting["login"], waiting["motivation"]) == (made["id"], "sangwan", FORM["motivation"])
    assert (await sees(boss, "vo", "applications", "approve", made["id"]))["state"] == "approved"
    await fed.letter("sangwan@example.org", 3)
    assert "승인" in fed.subjects("sangwan@example.org")[2]

    code, _, err = await typed(sangwan, "proxy", "init", "--voms", vo)
    assert code == 0, err
    summary = proxy_of(sangwan)
    assert [str(each) for ac in summary.acs for each in ac.fqans] == [f"/{vo}"]

    directory = tmp_path / "site"
    directory.mkdir()
    async with running_keystone(directory, fed.grid) as keystone:
        [there] = (await sees(sangwan, "whoami", "--site", keystone.site.url))["sites"]
        assert (there["project"], there["roles"]) == ("fedcloud", ["member"])
        code, out, err = await typed(sangwan, "openrc", keystone.site.url, "--format", "json")
        assert code == 0, err
        assert await keystone.occi(json.loads(out)["OS_TOKEN"]) == 200


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("voms-proxy-init") is None, reason="Debian's voms-clients is not installed")
async def test_debians_client_gets_a_proxy_after_the_enrolment(fed: Federation) -> None:
    vo, sangwan, boss = fed.grid.vo, fed.user("Sangwan"), fed.user("Boss")
    made = await sees(sangwan, "vo", "apply", vo, "--json", "-", given=json.dumps(FORM))
    found = LINK.search(await fed.letter("sangwan@example.org", 1))
    assert found
    await fed.page("POST", found[1])
    await sees(boss, "vo", "applications", "approve", made["id"])
    globus = Path(sangwan["HOME"]) / ".globus"  # the Java client asks the account database for the home
    who = [
        "-cert",
        str(globus / "usercert.pem"),
        "-key",
        str(globus / "userkey.pem"),
        "-out",
        sangwan["X509_USER_PROXY"],
    ]
    client = await asyncio.create_subprocess_exec(
        "voms-proxy-init", "-voms", vo, "-rfc", "-vomses", str(fed.home / "vomses"), *who,
        env=sangwan, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(client.communicate(), 60)
    assert client.returncode == 0, out.decode()
    summary = proxy_of(sangwan)
    assert [ac.vo for ac in summary.acs] == [vo]


async def test_a_kill_between_the_steps_loses_nothing(fed: Federation) -> None:
    """Killed right after each acknowledged step; every letter comes all the same, and the membership stands."""
    vo, sangwan, boss = fed.grid.vo, fed.user("Sangwan"), fed.user("Boss")
    made = await sees(sangwan, "vo", "apply", vo, "--json", "-", given=json.dumps(FORM))
    await fed.kill()
    await fed.start()
    found = LINK.search(await fed.letter("sangwan@example.org", 1))
    assert found
    await fed.page("POST", found[1])
    await fed.kill()
    await fed.start()
    await fed.letter("boss@example.org", 1)
    await sees(boss, "vo", "applications", "approve", made["id"])
    await fed.kill()
    await fed.start()
    async with asyncio.timeout(60):
        while not any("승인" in each for each in fed.subjects("sangwan@example.org")):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    code, _, err = await typed(sangwan, "proxy", "init", "--voms", vo)
    assert code == 0, err


async def test_the_program_says_what_is_wrong_with_a_form(fed: Federation) -> None:
    vo, sangwan = fed.grid.vo, fed.user("Sangwan")
    wrong = json.dumps({**FORM, "login": "9lives", "password": "short", "email": "nobody"})
    code, _, err = await typed(sangwan, "vo", "apply", vo, "--json", "-", given=wrong)
    assert (code, "2 more fields are wrong" in err) == (2, True)
    code, _, err = await typed(sangwan, "vo", "apply", vo)
    assert (code, "nobody to ask" in err) == (2, True)
    code, _, err = await typed(sangwan, "vo", "apply", "nowhere.example.org", "--json", "-", given=json.dumps(FORM))
    assert (code, "There is no VO" in err) == (4, True)
    code, _, err = await typed(sangwan, "vo", "applications", "list", vo)
    assert (code, "administrators" in err) == (3, True)
