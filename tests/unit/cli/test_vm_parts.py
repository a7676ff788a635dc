"""Small parts of `hansa vm`."""

import socket
import threading
from pathlib import Path

import pytest

from hansa.cli.vm.console import news, readable
from hansa.cli.vm.ssh import ssh_arguments, wait_for_ssh
from hansa.client.errors import Timeout
from hansa.client.machines import machine_of
from hansa.client.profile import Site, load_profile
from hansa.standards.occi import Resource


@pytest.mark.parametrize(
    ("before", "now", "new"),
    [
        (b"", b"abc", b"abc"),
        (b"abc", b"abc", b""),
        (b"abc", b"abcdef", b"def"),
        (b"abc", b"xyz", b"xyz"),
        (b"0" * 5000 + b"a", b"0" * 4500 + b"ab", b"b"),
    ],
)
def test_following_a_log_shows_what_is_new(before: bytes, now: bytes, new: bytes) -> None:
    assert news(before, now) == new


def test_a_guest_cannot_drive_the_terminal() -> None:
    assert readable(b"\x1b[31mred\x1b[0m\r\nnext\x07\xff\n") == "[31mred[0m\nnext?\ufffd\n"


def arguments_for(tmp_path: Path, ident: str) -> list[str]:
    profile = load_profile(None, {"XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "100% mine")})
    machine = machine_of(Site("A", "https://a/"), "/compute/1", Resource("kind", id=ident))
    return ssh_arguments(profile, machine, "127.0.1.1", 10022, "cloudadm", None)


def test_ssh_gets_port_login_and_a_destination_that_is_no_option(tmp_path: Path) -> None:
    arguments = arguments_for(tmp_path, "1")
    assert arguments[-2:] == ["--", "127.0.1.1"]
    assert arguments[arguments.index("-p") + 1] == "10022"
    assert arguments[arguments.index("-l") + 1] == "cloudadm"


def test_each_machine_has_known_hosts_of_its_own_where_we_want_them(tmp_path: Path) -> None:
    files = set()
    for ident in ("1", "2", "../../../etc/evil"):
        (option,) = [text for text in arguments_for(tmp_path, ident) if text.startswith("UserKnownHostsFile=")]
        file = Path(option.partition("=")[2].strip('"').replace("%%", "%"))
        assert file.parent == tmp_path / "100% mine/hansa/known_hosts"
        files.add(file.name)
    assert len(files) == 3


def test_ssh_is_awaited_until_it_greets() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for greeting in (b"", b"SSH-2.0-x\r\n"):
                connected, _address = listener.accept()
                with connected:
                    connected.sendall(greeting)

        thread = threading.Thread(target=serve)
        thread.start()
        wait_for_ssh("vm", "127.0.0.1", listener.getsockname()[1], 30)
        thread.join()


def test_ssh_that_never_greets_is_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Timeout, match="did not answer at"):
        wait_for_ssh("vm", "127.0.0.1", port, 0)
