"""The main program: start-up budget, exit codes, errors a person can act on, several names."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hansa.base.errors import BackendDown, BadRequest, Forbidden, HansaError, NotFound, QuotaExceeded, Unauthenticated
from hansa.cli.errors import ExitCode, exit_code, report
from hansa.cli.main import COMMANDS, main, root
from hansa.client.errors import NoSite, Timeout
from hansa.standards.errors import StandardError

HEAVY = ("cryptography", "http.client", "pydantic", "rich", "sqlalchemy", "starlette", "structlog", "uvicorn", "yaml")


def hansa(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "hansa.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), **environment},
    )


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from hansa.cli.main import main; main(['hansa', '--help']); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    assert not {*HEAVY} & {*done.stderr.split()}


def test_every_command_in_the_table_exists() -> None:
    for entry in COMMANDS.values():
        assert isinstance(entry.load(), click.Command)


def test_an_unknown_command_is_a_usage_error_with_a_suggestion() -> None:
    done = hansa("complettion")
    assert done.returncode == ExitCode.USAGE
    assert "Did you mean completion?" in done.stderr
    assert done.stdout == ""


def test_no_arguments_show_the_commands() -> None:
    done = hansa()
    assert "completion" in done.stderr + done.stdout
    assert done.returncode == ExitCode.USAGE


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadRequest("x"), ExitCode.USAGE),
        (Unauthenticated("x"), ExitCode.AUTH),
        (Forbidden("x"), ExitCode.AUTH),
        (NotFound("x"), ExitCode.NOT_FOUND),
        (QuotaExceeded("x"), ExitCode.QUOTA),
        (NoSite("x"), ExitCode.NO_SITE),
        (Timeout("x"), ExitCode.TIMEOUT),
        (BackendDown("x"), ExitCode.ERROR),
    ],
)
def test_each_kind_of_trouble_has_its_exit_code(error: HansaError, code: ExitCode) -> None:
    assert exit_code(error) is code


def test_an_error_says_what_why_what_next_and_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    report(Unauthenticated("The site refused your proxy.", cause="It has expired."), debug=False)
    text = capsys.readouterr().err
    assert text.splitlines() == [
        "Error: The site refused your proxy.",
        "  Likely cause: It has expired.",
        "  Next: make a new proxy: hansa proxy init",
        "  Code: unauthenticated",
    ]


def test_a_sites_words_cannot_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    report(BackendDown("a\x1b[2Jb\nc", cause="\x07"), debug=False)
    assert capsys.readouterr().err.splitlines()[:2] == ["Error: a?[2Jb?c", "  Likely cause: ?"]


def test_a_refusal_of_a_standard_shows_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(StandardError("occi.text.syntax", "A quote is open.", line=3), debug=False) is ExitCode.ERROR
    assert "Error: line 3: A quote is open.\n  Code: occi.text.syntax\n" in capsys.readouterr().err


def test_tracebacks_only_with_debug(capsys: pytest.CaptureFixture[str]) -> None:
    report(ValueError("boo"), debug=False)
    assert "Traceback" not in capsys.readouterr().err
    try:
        raise ValueError("boo")
    except ValueError as error:
        report(error, debug=True)
    assert "Traceback" in capsys.readouterr().err


def test_a_missing_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OSError, match="No such file") as caught:
        Path("/no/such/file").read_bytes()
    assert report(caught.value, debug=False) is ExitCode.ERROR
    assert "No such file or directory: /no/such/file" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_the_commands(shell: str) -> None:
    result = CliRunner().invoke(root, ["completion", shell])
    assert result.exit_code == 0
    assert "completion" in result.output
    assert "--debug" in result.output or "-l debug" in result.output


def test_the_bash_completion_completes() -> None:
    script = CliRunner().invoke(root, ["completion", "bash"]).output
    check = 'COMP_WORDS=(hansa classic li); COMP_CWORD=2; _hansa; echo "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", script + check], capture_output=True, text=True, check=True)
    assert done.stdout == "link\n"


def test_classic_names_are_linked_beside_a_launcher(tmp_path: Path) -> None:
    assert main(["hansa", "classic", "link", str(tmp_path)]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "hansa",
        "occi",
        "voms-proxy-destroy",
        "voms-proxy-info",
        "voms-proxy-init",
    ]
    assert (tmp_path / "occi").readlink() == Path("hansa")
    assert main(["hansa", "classic", "link", str(tmp_path)]) == 0
