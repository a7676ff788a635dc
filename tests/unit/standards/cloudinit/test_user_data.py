"""User data is classified and checked before a machine is started for it."""

import gzip
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.standards.cloudinit import CloudInitError, UserDataKind, check_user_data

SEED = b"""#cloud-config
users:
  - name: cloudadm
    sudo: ALL=(ALL) NOPASSWD:ALL
    lock-passwd: true
    ssh-import-id: cloudadm
    ssh-authorized-keys:
      - ssh-rsa AAAAB3NzaC1yc2E= somebody@example.org
"""


def refused(data: bytes) -> CloudInitError:
    with pytest.raises(CloudInitError) as caught:
        check_user_data(data)
    return caught.value


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"#!/bin/sh\necho hello\n", "script"),
        (b"#! /usr/bin/env python3\n\xff\xfe", "script"),
        (SEED, "cloud-config"),
        (b"\n #Cloud-Config\nhostname: a\n", "cloud-config"),
        (b"#cloud-config\n", "cloud-config"),
        (b"#cloud-config-archive\n- type: text/cloud-config\n  content: x\n", "cloud-config-archive"),
        (b"#include\nhttps://example.org/ud\n", "include"),
        (b"#include-once https://example.org/ud\n# why\n", "include"),
        (b"#cloud-boothook\n#!/bin/sh\n", "cloud-boothook"),
        (b"#part-handler\n", "part-handler"),
        (b"## template: jinja\n#cloud-config\nhostname: {{ v1.region }}\n", "jinja-template"),
        (b'{"ignition": {"version": "3.0.0"}}', "other"),
        (b"[amiconfig]\nplugins=cernvm\n", "other"),
        (gzip.compress(SEED), "cloud-config"),
    ],
)
def test_user_data_is_classified_by_its_beginning(data: bytes, kind: str) -> None:
    assert check_user_data(data) == UserDataKind(kind)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"x" * 65537, "cloudinit.too_large"),
        (gzip.compress(b"#!/bin/sh\n" + b"#" * 600_000), "cloudinit.too_large"),
        (gzip.compress(SEED)[:-9], "cloudinit.gzip"),
        (b"\x1f\x8b is not gzip", "cloudinit.gzip"),
        (gzip.compress(gzip.compress(gzip.compress(SEED))), "cloudinit.gzip"),
        (b"# cloud-config\nhostname: a\n", "cloudinit.header"),
        (b"#cloud_config\nhostname: a\n", "cloudinit.header"),
        (b"#!/bin/sh\r\necho\r\n", "cloudinit.script"),
        (b"#!sh\n", "cloudinit.script"),
        (b"#include\n", "cloudinit.include"),
        (b"#include\nfile:///etc/passwd\n", "cloudinit.include"),
        (b"#cloud-config\nusers: [\n", "cloudinit.yaml.syntax"),
        (b"#cloud-config\n- a\n", "cloudinit.config.shape"),
        (b"#cloud-config\nhostname: \xff\n", "cloudinit.encoding"),
        (b"#cloud-config\nd: 2001-13-99\n", "cloudinit.yaml.value"),
        (b"#cloud-config\nd: !!python/object:os.system x\n", "cloudinit.yaml.syntax"),
        (b"#cloud-config\nd: " + b"[" * 40 + b"]" * 40, "cloudinit.yaml.depth"),
        (b"#cloud-config\nd: [" + b"1," * 25_000 + b"]", "cloudinit.too_large"),
        (b"#cloud-config\na: &a [*a]\n", "cloudinit.yaml.alias"),
        (b"#cloud-config\na: &a 1\nb: [" + b"*a," * 40 + b"]\n", "cloudinit.yaml.alias"),
        (b"#cloud-config\nruncmd:\n - echo note: this\n", "cloudinit.config.shape"),
        (b"#cloud-config\nruncmd: reboot\n", "cloudinit.config.shape"),
        (b"#cloud-config\nusers:\n - sudo: ALL\n", "cloudinit.config.shape"),
        (b"#cloud-config\nusers:\n - name: a\n   ssh_authorized_keys: key\n", "cloudinit.config.shape"),
        (b"#cloud-config\nwrite_files:\n - path: etc/motd\n", "cloudinit.config.shape"),
        (b"#cloud-config\nwrite_files:\n - {path: /a, encoding: b64, content: '!'}\n", "cloudinit.config.shape"),
        (b"#cloud-config\nwrite_files:\n - {path: /a, encoding: rot13, content: x}\n", "cloudinit.config.shape"),
        (b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\n--x--\n", "cloudinit.mime"),
        (b"MIME-Version: 1.0\nContent-Type: multipart/mixed\n\nnothing\n", "cloudinit.mime"),
        (b"MIME-Version: 1.0\n" + b"Content-Type: multipart/mixed; boundary=x\n\n--x\n" * 65, "cloudinit.mime"),
    ],
)
def test_what_a_guest_could_only_ignore_or_fail_on_is_refused(data: bytes, code: str) -> None:
    assert refused(data).code == code


def test_a_yaml_error_names_line_and_column() -> None:
    error = refused(b"#cloud-config\nusers:\n  - name: 'a\n")
    assert (error.line, error.code) == (4, "cloudinit.yaml.syntax")
    assert "line 4" in str(error)


def test_a_merge_bomb_stays_small() -> None:
    lines = ["#cloud-config", "a0: &a0 {k: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 8)]
    assert refused("\n".join(lines).encode()).code == "cloudinit.yaml.alias"


def multipart(*parts: tuple[str, str]) -> bytes:
    message = MIMEMultipart()
    for subtype, body in parts:
        message.attach(MIMEText(body, subtype))
    return message.as_bytes()


def test_every_part_of_multipart_user_data_is_checked() -> None:
    script = ("x-shellscript", "#!/bin/sh\necho part\n")
    assert check_user_data(multipart(script, ("cloud-config", "hostname: a\n"))) == UserDataKind.MULTIPART
    assert check_user_data(gzip.compress(multipart(script, ("plain", SEED.decode())))) == UserDataKind.MULTIPART
    with pytest.raises(CloudInitError) as caught:
        check_user_data(multipart(script, ("cloud-config", "runcmd: yes\n")))
    assert caught.value.code == "cloudinit.config.shape"


HEADS = st.sampled_from([b"", b"#!", b"#cloud-config\n", b"#include\n", b"#cloud-config-archive\n", b"\x1f\x8b\x08"])
MIME = b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/cloud-config\n"
TOKENS = """a b: |: |- |[|]|{|}|&a |*a|!!int |!!float |!!binary |!!timestamp |!!set |!!omap |!!map |!!bool x|!!null |<<: |=|~|?
 |%YAML 9|--- |...|1:99:3|1e999|0x|2001-1-1|users:|runcmd:|write_files:|path: |\n|\n  |\t|'|"|@|\u00e9|\x85"""
YAMLISH = st.lists(st.sampled_from(TOKENS.split("|")), max_size=20).map(lambda tokens: "".join(tokens).encode())


def outcome(data: bytes) -> str:
    try:
        return check_user_data(data).value
    except CloudInitError as error:
        return error.code


@given(HEADS | st.just(MIME), st.binary(max_size=300) | YAMLISH)
def test_any_bytes_are_classified_or_refused(head: bytes, tail: bytes) -> None:
    assert outcome(head + tail)


@given(st.binary(max_size=2000).filter(lambda data: not data.startswith(b"\x1f\x8b")))
def test_gzip_does_not_change_what_user_data_is(data: bytes) -> None:
    assert outcome(gzip.compress(data)) == outcome(data)
