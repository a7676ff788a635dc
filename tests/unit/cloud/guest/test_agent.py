"""Inside the guest: seeds are read, cloud-config is honoured. Each test works on a directory that stands for the root."""

import base64
import gzip
import json
import re
import struct
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path

import pytest

from hansa.cloud.guest.agent import accounts, config, disk, files, network, sources, userdata
from hansa.standards.cloudinit import Nic, config_drive_files, nocloud_files

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA me@example.org"
NICS = [
    Nic("52:54:00:AA:00:01", "eth0", ("192.0.2.10/24", "2001:db8::10/64"), "192.0.2.1", ("192.0.2.53",)),
    Nic("52:54:00:aa:00:02", "eth1"),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The account files of the guest as built."""
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (etc / "shadow").write_text("root:*:19723:0:99999:7:::\n")
    (etc / "group").write_text("root:x:0:\nadm:x:4:\n")
    return tmp_path


def write_tree(place: Path, tree: dict[str, bytes]) -> Path:
    for name, content in tree.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    return place


def test_both_seeds_tell_the_same_instance(tmp_path: Path) -> None:
    arguments = ("i-1", "vm.example.org", [KEY], b"#!/bin/sh\n", NICS)
    nocloud = sources.parse_nocloud(write_tree(tmp_path / "n", dict(nocloud_files(*arguments))))
    drive = sources.parse_config_drive(write_tree(tmp_path / "c", dict(config_drive_files(*arguments))))
    assert (nocloud.source, drive.source) == ("NoCloud", "ConfigDrive")
    assert nocloud[0:1] + nocloud[2:5] == drive[0:1] + drive[2:5] == ("i-1", "vm.example.org", (KEY,), b"#!/bin/sh\n")
    static, dhcp = nocloud.interfaces() or []
    assert static == network.Interface(
        name="eth0",
        mac="52:54:00:aa:00:01",
        addresses=("192.0.2.10/24", "2001:db8::10/64"),
        routes=(("0.0.0.0/0", "192.0.2.1"),),
        nameservers=("192.0.2.53",),
    )
    assert dhcp.dhcp
    assert [entry._replace(nameservers=()) for entry in drive.interfaces() or []] == [
        static._replace(nameservers=()),
        dhcp,
    ]


def test_a_handwritten_nocloud_seed_is_read_as_yaml(tmp_path: Path) -> None:
    place = write_tree(
        tmp_path, {"meta-data": b"instance-id: i-2\npublic-keys:\n  mine: " + KEY.encode() + b"\n", "user-data": b""}
    )
    instance = sources.parse_nocloud(place)
    assert (instance.id, instance.ssh_keys, instance.interfaces()) == ("i-2", (KEY,), None)


def test_an_instance_is_new_once(root: Path) -> None:
    first, second = (sources.Instance(name, "NoCloud", user_data=b"secret") for name in ("i-1", "i-2"))
    assert sources.is_new(root, first)
    sources.remember(root, first)
    assert not sources.is_new(root, first)
    assert sources.is_new(root, second)
    assert (root / "var/lib/cloud/instance/user-data.txt").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("label", "filesystem"), [(b"CIDATA  ", "iso9660"), (b"config-2", "iso9660"), (b"CIDATA  ", "vfat")]
)
def test_a_seed_disc_is_known_by_its_label(tmp_path: Path, label: bytes, filesystem: str) -> None:
    image = bytearray(40000)
    if filesystem == "iso9660":
        image[32768:32774] = b"\x01CD001"
        image[32808:32816] = label
    else:
        image[510:512] = b"\x55\xaa"
        image[43:51], image[54:57] = label, b"FAT"
    (tmp_path / "disc").write_bytes(image)
    assert sources.read_label(tmp_path / "disc") == (filesystem, label.decode().strip().lower())
    assert sources.read_label(tmp_path / "none") == ("", "")


def test_network_version_2_as_people_write_it() -> None:
    document = {
        "network": {
            "version": 2,
            "ethernets": {"ens3": {"dhcp4": False, "addresses": ["192.0.2.4/24"], "gateway4": "192.0.2.1"}},
        }
    }
    (interface,) = network.parse_version_2(document) or []
    assert (interface.name, interface.mac, interface.routes) == ("ens3", "", (("0.0.0.0/0", "192.0.2.1"),))
    with pytest.raises(ValueError, match="version 2"):
        network.parse_version_2({"version": 1})


def test_user_data_is_split_into_config_and_scripts() -> None:
    message = MIMEMultipart()
    message.attach(MIMEText("#!/bin/sh\necho one\n", "x-shellscript"))
    message.attach(MIMEText("hostname: first\nruncmd: [ls]\n", "cloud-config"))
    message.attach(MIMEText("#cloud-config\nhostname: second\n", "plain"))
    parts = userdata.split(gzip.compress(message.as_bytes()))
    assert [script.content for script in parts.scripts] == [b"#!/bin/sh\necho one\n"]
    assert parts.config == {"hostname": "second", "runcmd": ["ls"]}
    assert parts.problems == []


@pytest.mark.parametrize(
    ("data", "problem"),
    [(b"hello", "does not know"), (b"#cloud-config\na: [", "not valid YAML"), (b"#cloud-config\n- a", "not a mapping")],
)
def test_user_data_that_cannot_be_used_is_reported(data: bytes, problem: str) -> None:
    (found,) = userdata.split(data).problems
    assert problem in found


def test_a_boothook_loses_its_header() -> None:
    (script,) = userdata.split(b"#cloud-boothook\n#!/bin/sh\necho\n").scripts
    assert script.content.startswith(b"#!/bin/sh")


def settings(text: str) -> config.Settings:
    parts = userdata.split(b"#cloud-config\n" + text.encode())
    assert parts.problems == []
    return config.Settings(parts.config)


def test_the_user_of_the_tutorials_can_log_in_and_use_sudo(root: Path) -> None:
    _default, user = settings(
        "users:\n"
        "  - default\n"
        "  - name: cloudadm\n"
        "    sudo: ALL=(ALL) NOPASSWD:ALL\n"
        "    lock-passwd: true\n"
        "    ssh-import-id: cloudadm\n"
        "    groups: adm, wheel\n"
        "    ssh-authorized-keys:\n"
        f"      - {KEY}\n"
    ).users
    accounts.create(root, user)
    accounts.create(root, user)
    assert (root / "etc/passwd").read_text().splitlines()[1:] == ["cloudadm:x:1000:1000::/home/cloudadm:/bin/sh"]
    assert (root / "etc/shadow").read_text().splitlines()[1].startswith("cloudadm:!:")
    assert (root / "etc/group").read_text() == "root:x:0:\nadm:x:4:cloudadm\ncloudadm:x:1000:\nwheel:x:1001:cloudadm\n"
    sudoers = root / "etc/sudoers.d/90-cloud-init-users"
    assert sudoers.read_text().startswith("cloudadm ALL=(ALL) NOPASSWD:ALL\n")
    assert sudoers.stat().st_mode & 0o777 == 0o440
    keys = root / "home/cloudadm/.ssh/authorized_keys"
    assert keys.read_text() == KEY + "\n"
    assert (keys.stat().st_mode & 0o777, keys.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_the_default_user_is_there_unless_users_are_named() -> None:
    for text in ("hostname: x\n", "users: [default]\n", "users: [{name: default}]\n"):
        assert settings(text).users == [config.DEFAULT_USER]
    assert config.DEFAULT_USER not in settings("users: [{name: ada}]\n").users
    assert settings("users: []\n").users == []


def test_a_password_is_set_only_for_an_unlocked_user(root: Path) -> None:
    entries = "users:\n - {name: a, lock_passwd: false, hashed_passwd: $6$x}\n - {name: b, hashed_passwd: $6$x}\n"
    for user in settings(entries).users:
        accounts.create(root, user)
    assert [line.split(":")[1] for line in (root / "etc/shadow").read_text().splitlines()] == ["*", "$6$x", "!"]


@pytest.mark.parametrize(
    "user", [accounts.User("a:b"), accounts.User("../x"), accounts.User("a", gecos="x\nroot::0:0")]
)
def test_a_user_that_would_break_the_account_files_is_refused(root: Path, user: accounts.User) -> None:
    with pytest.raises(ValueError, match=r"account field|user name"):
        accounts.create(root, user)
    assert len((root / "etc/passwd").read_text().splitlines()) == 1


def test_files_are_written_as_asked(root: Path) -> None:
    packed = base64.b64encode(gzip.compress(b"packed")).decode()
    entries = settings(
        "write_files:\n"
        "  - {path: /etc/app/one, content: 'grüß', permissions: '0640'}\n"
        "  - {path: /etc/app/two, encoding: gz+b64, content: " + packed + "}\n"
        "  - {path: /etc/app/one, content: ' more', append: true}\n"
        "  - {path: /run, content: refused}\n"
    ).write_files
    (root / "run").mkdir()
    for file in entries[:3]:
        files.write(root, file)
    assert (root / "etc/app/one").read_text() == "grüß more"
    assert (root / "etc/app/two").read_bytes() == b"packed"
    with pytest.raises(OSError, match="directory"):
        files.write(root, entries[3])


def test_runcmd_takes_lines_and_argument_lists() -> None:
    script = settings("runcmd:\n - echo $HOME | cat\n - [echo, 'a  b', \"it's\"]\n -\n").runcmd
    assert script == b"#!/bin/sh\necho $HOME | cat\necho 'a  b' 'it'\"'\"'s'\n"
    assert settings("hostname: x\n").runcmd == b""


def test_the_host_bears_the_first_label_of_its_name(root: Path) -> None:
    files.set_hostname(root, settings("hostname: vm\nfqdn: vm.example.org\n").hostname)
    assert (root / "etc/hostname").read_text() == "vm\n"
    assert "127.0.1.1 vm.example.org vm\n" in (root / "etc/hosts").read_text()


def test_growing_can_be_switched_off() -> None:
    assert settings("hostname: x\n").grows
    assert not settings("growpart: {mode: 'off'}\n").grows
    assert not settings("resize_rootfs: false\n").grows


def test_the_second_partition_grows_to_the_disks_end() -> None:
    entry = struct.Struct("<B3sB3sII")
    record = (
        bytes(446)
        + entry.pack(0x80, b"", 0x0E, b"", 2048, 40960)
        + entry.pack(0, b"", 0x83, b"", 43008, 131072)
        + bytes(32)
        + b"\x55\xaa"
    )
    grown = disk.grown_record(record, 4194304)
    assert grown is not None
    assert entry.unpack_from(grown, 462)[4:] == (43008, 4194304 - 43008)
    assert (grown[:462], grown[478:]) == (record[:462], record[478:])
    assert disk.grown_record(record, 43008 + 131072 + 2048) is None


def test_a_result_is_json_that_the_status_command_understands() -> None:
    """The script /usr/bin/cloud-init greps for this rendering."""
    assert '"errors": []' in json.dumps({"v1": {"errors": []}})


def test_every_key_of_cloud_config_that_is_read_is_documented() -> None:
    source = Path(config.__file__).read_text()
    keys = set(re.findall(r'self\.config\.get\("(\w+)"', source))
    page = (Path(__file__).parents[4] / "docs" / "reference" / "guest-image.md").read_text()
    documented = {
        key for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)
    }
    assert keys == documented
