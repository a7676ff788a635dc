"""`occi`: the lines users know, against answers that another server (pyssf) once gave to the original client."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.replay import Peer, Said, replaying

from hansa.cli.main import main
from hansa.client.keystone import Password

MODEL = """\
Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"; title="Compute Resource"; \
rel="http://schemas.ogf.org/occi/core#resource"; location="/compute/"; \
attributes="occi.compute.architecture occi.compute.state{immutable} occi.compute.hostname"; \
actions="http://schemas.ogf.org/occi/infrastructure/compute/action#start http://schemas.ogf.org/occi/infrastructure/compute/action#stop"
Category: network; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"; location="/network/"; \
actions="http://schemas.ogf.org/occi/infrastructure/network/action#up"
Category: storage; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"; location="/storage/"
Category: storagelink; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"; location="/storage/link/"
Category: networkinterface; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"; location="/network/interface/"
Category: start; scheme="http://schemas.ogf.org/occi/infrastructure/compute/action#"; class="action"; title="Start"
Category: stop; scheme="http://schemas.ogf.org/occi/infrastructure/compute/action#"; class="action"; attributes="method"
Category: up; scheme="http://schemas.ogf.org/occi/infrastructure/network/action#"; class="action"
Category: os_tpl; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="mixin"; location="/os_tpl/"
Category: resource_tpl; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="mixin"; location="/resource_tpl/"
Category: ubuntu; scheme="http://example.org/os_tpl#"; class="mixin"; title="Ubuntu"; \
rel="http://schemas.ogf.org/occi/infrastructure#os_tpl"; location="/os_tpl/ubuntu/"
Category: 72ada03a; scheme="http://schemas.openstack.org/template/os#"; class="mixin"; title="Image: Ubuntu-14.04-amd64"; \
rel="http://schemas.ogf.org/occi/infrastructure#os_tpl"; location="/72ada03a/"
Category: small; scheme="http://example.org/resource_tpl#"; class="mixin"; title="Small"; \
rel="http://schemas.ogf.org/occi/infrastructure#resource_tpl"; location="/resource_tpl/small/"
"""

VM = """\
Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"
Category: ubuntu; scheme="http://example.org/os_tpl#"; class="mixin"
Category: small; scheme="http://example.org/resource_tpl#"; class="mixin"
Link: </compute/a6db7064?action=start>; rel="http://schemas.ogf.org/occi/infrastructure/compute/action#start"
X-OCCI-Attribute: occi.core.title="My VM"
X-OCCI-Attribute: occi.compute.architecture="x86"
X-OCCI-Attribute: occi.compute.state="inactive"
X-OCCI-Attribute: occi.compute.speed="1"
X-OCCI-Attribute: occi.compute.memory=4.0
X-OCCI-Attribute: occi.compute.cores=2
X-OCCI-Attribute: occi.compute.hostname="My VM"
X-OCCI-Attribute: org.openstack.compute.state="active"
X-OCCI-Attribute: occi.core.id="a6db7064"
"""
LINKED = (
    VM
    + 'Link: </network/7d30>; rel="http://schemas.ogf.org/occi/infrastructure#network"; self="/network/interface/67a8"; '
    'category="http://schemas.ogf.org/occi/infrastructure#networkinterface"; occi.networkinterface.mac="aa:bb"; '
    'occi.networkinterface.address="10.0.0.1"; occi.core.target="/network/7d30"; occi.core.source="/compute/a6db7064"; '
    'occi.core.id="67a8"\n'
)

DESCRIBED = """\
###############################################################################
[[ http://schemas.ogf.org/occi/infrastructure#compute ]]
>> location: /compute/a6db7064
occi.core.id = a6db7064
occi.core.title = My VM
occi.compute.architecture = x86
occi.compute.cores = 2
occi.compute.hostname = My VM
occi.compute.memory = 4.0
occi.compute.speed = 1
occi.compute.state = inactive
org.openstack.compute.state = active

Links:
{links}
Mixins:

    [[ http://example.org/os_tpl#ubuntu ]]
    title:        Ubuntu
    term:         ubuntu
    location:     /os_tpl/ubuntu/

    [[ http://example.org/resource_tpl#small ]]
    title:        Small
    term:         small
    location:     /resource_tpl/small/

Actions:

    [[ http://schemas.ogf.org/occi/infrastructure/compute/action#start ]]
###############################################################################
"""
LINKS = """
    [[ http://schemas.ogf.org/occi/infrastructure#networkinterface ]]
    >> location: /network/interface/67a8
    occi.networkinterface.address = 10.0.0.1
    occi.networkinterface.mac = aa:bb
    occi.core.target = /network/7d30
    occi.core.source = /compute/a6db7064
    occi.core.id = 67a8
"""


@pytest.fixture
def site() -> Iterator[Peer]:
    answers: dict[tuple[str, str], Said | list[Said]] = {
        ("GET", "/-/"): Said(MODEL),
        ("GET", "/compute/"): Said("http://h/compute/a6db7064\nhttp://h/compute/b\n", "text/uri-list"),
        ("GET", "/compute/a6db7064"): Said(VM),
        ("GET", "/compute/linked"): Said(LINKED),
        ("GET", "/compute/b"): Said(VM.replace("a6db7064", "b")),
        ("POST", "/compute/"): Said(status=201, headers=(("Location", "https://site:8787/compute/new"),)),
        ("POST", "/network/"): Said("X-OCCI-Location: https://site:8787/network/n", status=201),
        ("POST", "/network/interface/"): Said(status=201, headers=(("Location", "/network/interface/9"),)),
        ("POST", "/storage/link/"): Said(status=201, headers=(("Location", "/storage/link/9"),)),
        ("POST", "/compute/a6db7064?action=start"): Said(),
        ("POST", "/compute/a6db7064"): Said(),
        ("DELETE", "/compute/a6db7064"): Said(),
        ("DELETE", "/compute/"): Said(),
    }
    with replaying(answers) as peer:
        yield peer


def occi(peer: Peer, *arguments: str) -> int:
    return main(["/anywhere/occi", "--endpoint", f"{peer.url}/", *arguments])


def test_os_templates_are_listed_by_identifier(site: Peer, capsys: pytest.CaptureFixture[str]) -> None:
    assert occi(site, "--action", "list", "--resource", "os_tpl") == 0
    assert (
        capsys.readouterr().out
        == "http://example.org/os_tpl#ubuntu\nhttp://schemas.openstack.org/template/os#72ada03a\n"
    )
    assert [asked.target for asked in site.asked] == ["/-/"]


@pytest.mark.parametrize("name", ["compute", "http://schemas.ogf.org/occi/infrastructure#compute"])
def test_machines_are_listed_by_address(site: Peer, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert occi(site, "-a", "list", "-r", name) == 0
    assert capsys.readouterr().out == "http://h/compute/a6db7064\nhttp://h/compute/b\n"
    assert site.asked[-1].headers["Accept"] == "text/uri-list"


def test_a_machine_is_described_in_the_layout_scripts_know(site: Peer, capsys: pytest.CaptureFixture[str]) -> None:
    assert occi(site, "--action", "describe", "--resource", f"{site.url}/compute/a6db7064") == 0
    assert capsys.readouterr().out == DESCRIBED.format(links="")


def test_links_are_described_between_attributes_and_mixins(site: Peer, capsys: pytest.CaptureFixture[str]) -> None:
    assert occi(site, "--action", "describe", "--resource", "/compute/linked") == 0
    assert capsys.readouterr().out == DESCRIBED.format(links=LINKS).replace(
        "compute/a6db7064\nocci.core.id = a", "compute/linked\nocci.core.id = a"
    )


def test_describing_a_kind_describes_each_entity(site: Peer, capsys: pytest.CaptureFixture[str]) -> None:
    assert occi(site, "--action", "describe", "--resource", "compute") == 0
    first, second = DESCRIBED.format(links=""), DESCRIBED.format(links="").replace("a6db7064", "b")
    assert capsys.readouterr().out == first + second.partition("\n")[2]


@pytest.mark.parametrize(
    "name", ["os_tpl#72ada03a", "os#72ada03a", "http://schemas.openstack.org/template/os#72ada03a"]
)
def test_a_template_is_described_by_any_of_its_names(site: Peer, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert occi(site, "--action", "describe", "--resource", name) == 0
    assert capsys.readouterr().out == (
        f"{'#' * 79}\n[[ http://schemas.openstack.org/template/os#72ada03a ]]\n"
        "title:        Image: Ubuntu-14.04-amd64\nterm:         72ada03a\nlocation:     /72ada03a/\n"
        f"{'#' * 79}\n"
    )


def test_a_machine_is_created_with_templates_and_context(
    site: Peer, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    script = tmp_path / "tmpfedcloud.login"
    script.write_text("#cloud-config\n")
    code = occi(
        site, "--action", "create", "--resource", "compute", "--attribute", "occi.core.title=My, first VM",
        "--mixin", "os_tpl#72ada03a", "--mixin", "resource_tpl#small",
        "--context", f"user_data=file://{script}", "--context", "public_key=ssh-rsa AAAA a@b",
    )  # fmt: skip
    assert code == 0
    assert capsys.readouterr().out == "https://site:8787/compute/new\n"
    lines = site.asked[-1].body.decode().splitlines()
    assert [line.split(";")[0] for line in lines if line.startswith("Category")] == [
        "Category: compute",
        "Category: 72ada03a",
        "Category: small",
        "Category: user_data",
        "Category: public_key",
    ]
    encoded = base64.b64encode(b"#cloud-config\n").decode()
    assert {line for line in lines if line.startswith("X-OCCI-Attribute")} == {
        'X-OCCI-Attribute: occi.core.title="My, first VM"',
        'X-OCCI-Attribute: occi.compute.hostname="My, first VM"',
        f'X-OCCI-Attribute: org.openstack.compute.user_data="{encoded}"',
        'X-OCCI-Attribute: org.openstack.credentials.publickey.data="ssh-rsa AAAA a@b"',
    }


def test_the_address_of_something_new_may_stand_in_the_body(site: Peer, capsys: pytest.CaptureFixture[str]) -> None:
    assert occi(site, "-a", "create", "-r", "network", "-t", "occi.core.title=n") == 0
    assert capsys.readouterr().out == "https://site:8787/network/n\n"


def test_links_go_inline_when_a_machine_is_created(site: Peer) -> None:
    assert occi(site, "-a", "create", "-r", "compute", "-t", "occi.core.title=x", "-j", "/network/7d30") == 0
    assert any(line.startswith("Link: </network/7d30>") for line in site.asked[-1].body.decode().splitlines())


def test_wait_for_active_polls_until_it_is(site: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hansa.cli.classic.occi.actions._POLL_SECONDS", 0.01)
    active = VM.replace('state="inactive"', 'state="active"')
    site.answers["GET", "/compute/new"] = [Said(VM), Said(VM), Said(active)]
    arguments = ("-a", "create", "-r", "compute", "-t", "occi.core.title=x", "-M", "os_tpl#ubuntu", "-w", "60")
    assert occi(site, *arguments) == 0
    assert [asked.target for asked in site.asked].count("/compute/new") == 3


@pytest.mark.parametrize(
    ("target", "kind"), [("/network/7d30", "/network/interface/"), ("/storage/1", "/storage/link/")]
)
def test_the_kind_of_a_link_follows_from_its_target(
    site: Peer, capsys: pytest.CaptureFixture[str], target: str, kind: str
) -> None:
    assert occi(site, "-a", "link", "-r", "/compute/a6db7064", "-j", target) == 0
    assert capsys.readouterr().out == f"{kind}9\n"
    sent = site.asked[-1].body.decode()
    assert f'occi.core.target="{target}"' in sent
    assert 'occi.core.source="/compute/a6db7064"' in sent


@pytest.mark.parametrize("name", ["start", "http://schemas.ogf.org/occi/infrastructure/compute/action#start"])
def test_an_action_is_triggered(site: Peer, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert occi(site, "-a", "trigger", "-r", "/compute/a6db7064", "-g", name) == 0
    assert capsys.readouterr().out == ""
    assert site.asked[-1].target == "/compute/a6db7064?action=start"
    assert (
        b'start; scheme="http://schemas.ogf.org/occi/infrastructure/compute/action#"; class="action"'
        in site.asked[-1].body
    )


def test_an_update_names_the_mixin_alone(site: Peer) -> None:
    assert occi(site, "-a", "update", "-r", "/compute/a6db7064", "-M", "resource_tpl#small") == 0
    assert site.asked[-1].body == b'Category: small; scheme="http://example.org/resource_tpl#"; class="mixin"'


@pytest.mark.parametrize("action", ["delete", "unlink"])
@pytest.mark.parametrize(("name", "path"), [("/compute/a6db7064", "/compute/a6db7064"), ("compute", "/compute/")])
def test_deletion_is_silent(site: Peer, capsys: pytest.CaptureFixture[str], action: str, name: str, path: str) -> None:
    assert occi(site, "-a", action, "-r", name) == 0
    assert capsys.readouterr().out == ""
    assert (site.asked[-1].method, site.asked[-1].target) == ("DELETE", path)


@pytest.mark.parametrize("name", ["json", "json_pretty", "json_extended", "json_extended_pretty"])
def test_json_output(site: Peer, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert occi(site, "-a", "describe", "-r", "/compute/linked", "-o", name) == 0
    text = capsys.readouterr().out
    [machine] = json.loads(text)
    assert machine["attributes"]["occi"]["compute"]["memory"] == 4.0
    assert machine["mixins"] == ["http://example.org/os_tpl#ubuntu", "http://example.org/resource_tpl#small"]
    [link] = machine["links"]
    assert (link["target"] if "extended" in name else link) == (
        "/network/7d30" if "extended" in name else "/network/interface/67a8"
    )
    assert ("\n  " in text) == name.endswith("pretty")


def test_the_model_is_dumped_and_filtered(site: Peer, capsys: pytest.CaptureFixture[str]) -> None:
    assert occi(site, "--dump-model") == 0
    assert "term: compute\n" in capsys.readouterr().out
    assert occi(site, "-m", "-F", "http://example.org/os_tpl#ubuntu", "-o", "json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [mixin["term"] for mixin in document["mixins"]] == ["ubuntu"]
    assert document["kinds"] == []


def test_version_usage_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["occi", "--version"]) == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", capsys.readouterr().out)
    assert main(["occi", "-z"]) == 0
    assert "--action list --resource os_tpl" in capsys.readouterr().out
    assert main(["occi", "-h"]) == 0
    text = capsys.readouterr().out
    for option in (
        (
            "-e, --endpoint -n, --auth -k, --timeout -u, --username -p, --password -c, --ca-path -f, --ca-file "
            "-s, --skip-ca-check -F, --filter -x, --user-cred -X, --voms -y, --media-type -r, --resource -t, --attribute "
            "-T, --context -a, --action -M, --mixin -j, --link -g, --trigger-action -l, --log-to -o, --output-format "
            "-b, --log-level -z, --examples -m, --dump-model -d, --debug -h, --help -v, --version"
        )
        .replace(", ", ",")
        .split()
    ):
        assert option.replace(",", ", ") in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing required arguments: resource, action\nUsage: occi [OPTIONS]"),
        (["-a", "create", "-r", "network"], "Missing required arguments: attributes"),
        (["-a", "create", "-r", "network", "-t", "a=b"], "Missing required arguments: occi.core.title"),
        (["-a", "create", "-r", "compute", "-t", "occi.core.title=x"], "Missing required arguments: links"),
        (["-a", "trigger", "-r", "/x"], "Missing required arguments: trigger_action"),
        (["-a", "link", "-r", "/x"], "Missing required arguments: links"),
        (["-a", "update", "-r", "/x"], "Missing required arguments: mixins"),
        (["-a", "dance", "-r", "x"], "Argument -a/--action: invalid choice"),
        (["-a", "list", "-r", "x", "--voms"], "You cannot use '--voms' without '--auth x509'!"),
        (["-a", "list", "-r", "x", "-F", "y"], "You cannot use '--filter' without '--dump-model'!"),
        (["-a", "list", "-r", "x", "-k", "0"], "Timeout has to be a number larger than 0!"),
        (["-a", "list", "-r", "x", "-x", "/no/file"], "File specified in --user-cred is not a file!"),
        (["-a", "list", "-r", "x", "-T", "a=b"], "Only public_key, user_data context variables are supported!"),
        (["-a", "list", "-r", "x", "-T", "user_data=file:///no/file"], 'File does not exist! "/no/file"'),
        (["-a", "list", "-r", "x", "-t", "novalue"], "Attribute must always contain ATTR=VALUE pairs!"),
        (["-a", "list", "-r", "x", "-t", "a=num(x)"], "Failed to cast attribute value"),
    ],
)  # fmt: skip
def test_mistakes_are_answered_with_the_usage(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["occi", *arguments]) == 1
    assert capsys.readouterr().out.startswith(words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-a", "list", "-r", "nonsense"], 'Unknown resource "nonsense", there is nothing to list here!'),
        (["-a", "describe", "-r", "os_tpl#none"], 'The specified mixin is not declared in the model! "os_tpl#none"'),
        (["-a", "create", "-r", "os_tpl", "-t", "occi.core.title=x"], "there is nothing to create here!"),
        (["-a", "delete", "-r", "nonsense"], "there is nothing to delete here!"),
        (["-a", "trigger", "-r", "/compute/a6db7064", "-g", "fly"], 'Failed to identify action "fly" in the model!'),
        (["-a", "describe", "-r", "/compute/gone"], "Nothing here"),
        (["-a", "link", "-r", "/compute/a6db7064", "-j", "/what/1"], "Unknown link target"),
    ],
)
def test_refusals_are_one_line_and_end_with_1(
    site: Peer, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert occi(site, *arguments) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert re.fullmatch(r"F, \[\S+ #\d+\] FATAL -- : An error occurred! Message: .*\n", said.err)
    assert words in said.err


def test_levels_of_the_log(site: Peer, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("-a", "list", "-r", "nonsense")
    assert occi(site, *arguments, "-b", "info", "-l", "stdout") == 1
    said = capsys.readouterr().out
    assert [line[0] for line in said.splitlines()] == ["I", "I", "F"]
    assert occi(site, *arguments, "--debug") == 1
    assert "DEBUG -- : The site offers 13 categories" in (debugged := capsys.readouterr().err)
    assert "Traceback" in debugged
    assert occi(site, *arguments, "-b", "unknown") == 1
    assert capsys.readouterr().err == ""


def test_a_dead_endpoint_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with replaying({}) as peer:
        pass
    assert occi(peer, "-a", "list", "-r", "compute", "--log-to", "stdout") == 1
    assert "Nothing answers at" in capsys.readouterr().out


def test_headers_carry_everything_in_text_occi(site: Peer) -> None:
    site.answers["GET", "/-/"] = Said(
        kind="text/occi",
        headers=tuple(("Category", line.removeprefix("Category: ")) for line in MODEL.splitlines()),
    )
    arguments = (
        "-y",
        "text/occi",
        "-a",
        "create",
        "-r",
        "compute",
        "-t",
        "occi.core.title=täst",
        "-M",
        "os_tpl#ubuntu",
    )
    assert occi(site, *arguments) == 0
    assert site.asked[-1].body == b""
    assert 'occi.core.title="täst"' in site.asked[-1].headers["X-Occi-Attribute"].encode("latin-1").decode()


def test_a_large_script_goes_into_the_body_although_headers_were_asked_for(site: Peer, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_bytes(b"x" * 9000)
    site.answers["GET", "/-/"] = Said(MODEL)
    arguments = ("-y", "text/occi", "-a", "create", "-r", "compute", "-t", "occi.core.title=t", "-M", "os_tpl#ubuntu")
    assert occi(site, *arguments, "-T", f"user_data=file://{script}") == 0
    assert site.asked[-1].headers["Content-Type"] == "text/plain"


def test_basic_authentication_and_tokens(site: Peer) -> None:
    arguments = ("-a", "list", "-r", "os_tpl")
    assert occi(site, *arguments, "-n", "basic", "-u", "alice", "-p", "secret") == 0
    assert site.asked[-1].headers["Authorization"] == "Basic " + base64.b64encode(b"alice:secret").decode()
    assert occi(site, *arguments, "-n", "token", "-q", "T") == 0
    assert site.asked[-1].headers["X-Auth-Token"] == "T"


def test_digest_authentication(site: Peer) -> None:
    challenge = 'Digest realm="r", nonce="n", qop="auth", opaque="o", algorithm=MD5'
    site.answers["GET", "/-/"] = [Said("no", status=401, headers=(("WWW-Authenticate", challenge),)), Said(MODEL)]
    assert occi(site, "-a", "list", "-r", "os_tpl", "-n", "digest", "-u", "alice", "-p", "secret") == 0
    answer = site.asked[-1].headers["Authorization"]
    assert answer.startswith('Digest username="alice", realm="r", nonce="n", uri="/-/", opaque="o"')


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(Password("alice", "secret"))
