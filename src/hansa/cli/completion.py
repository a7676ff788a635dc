"""Completion scripts that know every command and option by heart: no Python starts at a TAB."""

from collections.abc import Iterator

import click

from hansa.base.i18n import _

SHELLS = ("bash", "zsh", "fish")


@click.command(help=_("Print a completion script: source it from your shell's start-up file."))
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    words = dict(_words(ctx.find_root().command, click.Context(ctx.find_root().command), "hansa"))
    click.echo(_fish(words) if shell == "fish" else _bash(words, zsh=shell == "zsh"), nl=False)


def _words(command: click.Command, ctx: click.Context, path: str) -> Iterator[tuple[str, list[str]]]:
    """Each command path with the words that may follow it."""
    options = [opt for param in command.get_params(ctx) for opt in param.opts if opt.startswith("-")]
    if not isinstance(command, click.Group):
        yield path, options
        return
    names = command.list_commands(ctx)
    yield path, names + options
    for name in names:
        child = command.get_command(ctx, name)
        if child is not None:
            yield from _words(child, click.Context(child, parent=ctx), f"{path} {name}")


def _bash(words: dict[str, list[str]], *, zsh: bool) -> str:
    head = "autoload -U +X bashcompinit && bashcompinit\n" if zsh else ""
    cases = "".join(f"    {path!r}) words={' '.join(follow)!r} ;;\n" for path, follow in words.items())
    return f"""{head}_hansa() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" path=hansa words="" word
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$word" in -*) ;; *) path="$path $word" ;; esac
  done
  while [ -n "$path" ]; do
    case "$path" in
{cases}    esac
    [ -n "$words" ] && break
    case "$path" in *" "*) path="${{path% *}}" ;; *) path="" ;; esac
  done
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _hansa hansa
"""


def _fish(words: dict[str, list[str]]) -> str:
    lines = ["function __hansa_path", "  set -l tokens (commandline -opc)", "  string match -v -- '-*' $tokens", "end"]
    for path, follow in words.items():
        depth, test = len(path.split()), path
        condition = (
            f'test (count (__hansa_path)) -ge {depth}; and test (string join " " (__hansa_path)[1..{depth}]) = "{test}"'
        )
        for word in follow:
            if word.startswith("--"):
                lines.append(f"complete -c hansa -n '{condition}' -l {word[2:]}")
            elif word.startswith("-"):
                lines.append(f"complete -c hansa -n '{condition}' -o {word[1:]}")
            else:
                exact = f"test (count (__hansa_path)) -eq {depth}; and {condition}"
                lines.append(f"complete -c hansa -f -n '{exact}' -a {word}")
    return "\n".join(lines) + "\n"
