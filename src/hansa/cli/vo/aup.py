"""`hansa vo aup …`: the acceptable use policy."""

from pathlib import Path

import click

from hansa.base.i18n import _
from hansa.cli.output import emit_list, emit_one, output_option, printable_lines, say
from hansa.cli.vo.registry import registry, uid_of, vo_argument, who_argument


@click.group(help=_("The acceptable use policy of a VO, and who accepted it."))
def aup() -> None:
    pass


@aup.command(help=_("The policy in force."))
@vo_argument
@output_option
def show(vo: str, output: str) -> None:
    with registry() as api:
        emit_one(api.ask("GET", f"/vos/{vo}/aup"), output)


@aup.command("list", help=_("All versions, newest first."))
@vo_argument
@output_option
def list_versions(vo: str, output: str) -> None:
    with registry() as api:
        rows = api.ask("GET", f"/vos/{vo}/aup/versions")["items"]
    emit_list(rows, ("version", "published", "asks_again", "url", "digest"), output)


@aup.command(help=_("Publish a version: FILE holds its text (UTF-8)."))
@vo_argument
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--version", required=True, help=_("What the version is called."))
@click.option("--url", default="", help=_("Where it can be read, too."))
@click.option("--correction", is_flag=True, help=_("Who accepted an earlier version need not accept this one."))
@output_option
def publish(vo: str, file: Path | None, version: str, url: str, correction: bool, output: str) -> None:
    text = file.read_text(encoding="utf-8") if file else ""
    wanted = {"version": version, "text": text, "url": url, "asks_again": not correction}
    with registry() as api:
        emit_one(api.ask("POST", f"/vos/{vo}/aup/versions", wanted), output)


@aup.command(help=_("Read the policy and accept it, for yourself or for a robot (WHO) that you answer for."))
@vo_argument
@click.argument("who", default="me")
@click.option("--version", help=_("Accept this version, which you have read, without being asked."))
def accept(vo: str, who: str, version: str | None) -> None:
    with registry() as api:
        if version is None:
            policy = api.ask("GET", f"/vos/{vo}/aup")
            click.echo(printable_lines(policy["text"] or policy["url"]))
            click.confirm(_("Do you accept version {version}?").format(version=policy["version"]), abort=True)
            version = policy["version"]
        api.ask("POST", f"/vos/{vo}/members/{uid_of(api, vo, who)}/aup/acceptances", {"version": version})
    say(_("Accepted version {version}.").format(version=version))


@aup.command(help=_("When a member accepted which version."))
@vo_argument
@who_argument
@output_option
def accepted(vo: str, who: str, output: str) -> None:
    with registry() as api:
        rows = api.ask("GET", f"/vos/{vo}/members/{uid_of(api, vo, who)}/aup/acceptances")["items"]
    emit_list(rows, ("version", "at", "by"), output)
