"""The catalogue of messages and its translations: `python -m tests.support.messages` brings the files up to date.

In `src/hansa/locale`, `hansa.pot` is extracted from the source, `<language>/LC_MESSAGES/hansa.po` is what translators edit,
`hansa.mo` what the program reads. All are committed, and `tests/unit/test_locale.py` tells when one is out of date.
"""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

SOURCE = Path(__file__).parents[2] / "src/hansa"
LOCALE = SOURCE / "locale"
TEMPLATE = LOCALE / "hansa.pot"
KEYWORDS = {"_": None, "ngettext": (1, 2), "Lazy": (2,)}  # Lazy's second argument is translated when help is shown
CLICK: tuple[str | tuple[str, str], ...] = (
    "Aborted!",
    "Options",
    "Positional arguments",
    ("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})"),
    "Commands",
    "Missing command.",
    ("Takes {nargs} values but 1 was given.", "Takes {nargs} values but {len} were given."),
    "env var: {var}",
    "default: {default}",
    "(dynamic)",
    "%(prog)s, version %(version)s",
    "Show the version and exit.",
    "Show this message and exit.",
    ("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)"),
    "Error: {message}",
    "Try '{command} {option}' for help.",
    "Invalid value: {message}",
    "Invalid value for {param_hint}: {message}",
    "Missing argument",
    "Missing option",
    "Missing parameter",
    "No such option {name!r}.",
    "No such command {name!r}.",
    "Could not open file {filename!r}: {message}",
    "Usage:",
    "Option {name!r} does not take a value.",
    ("Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments."),
    "Repeat for confirmation",
    "Error: The two entered values do not match.",
    "Error: invalid input",
    "Choose from:\n\t{choices}",
    ("{value!r} is not {choice}.", "{value!r} is not one of {choices}."),
    "{value!r} is not a valid {number_type}.",
    "{value} is not in the range {range}.",
    "{value!r} is not a valid boolean. Recognized values: {states}",
    "file",
    "directory",
    "path",
    "{name} {filename!r} does not exist.",
    "{name} {filename!r} is a file.",
    "{name} {filename!r} is a directory.",
    "{name} {filename!r} is not readable.",
)
"""What click says to people through the same catalogue (`hansa.base.i18n.speak_for_libraries`)."""

NO_DATE = datetime(2026, 1, 1, tzinfo=UTC)  # the history knows when; a date in the file only makes conflicts


def template() -> Catalog:
    """Everything the source says to people."""
    catalog = Catalog()
    methods = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
    found = extract_from_dir(str(SOURCE), method_map=methods, keywords=KEYWORDS)
    for name, _line, message, comments, context in sorted(found, key=lambda entry: (entry[0], entry[1])):
        catalog.add(message, locations=[(name, 0)], auto_comments=comments, context=context)
    for message in CLICK:
        catalog.add(message, locations=[("click", 0)])
    return catalog


def translations() -> Iterator[tuple[Path, Catalog]]:
    """Each language's file and what it holds."""
    for path in sorted(LOCALE.glob("*/LC_MESSAGES/hansa.po")):
        with path.open("rb") as file:
            yield path, read_po(file, locale=path.parts[-3])


def rendered(catalog: Catalog) -> bytes:
    """As a file: what tools of different versions and times would write differently is fixed."""
    catalog.project, catalog.version, catalog.msgid_bugs_address = "Hansa", "1", "none"
    catalog.last_translator = catalog.language_team = "The Hansa maintainers"
    catalog.header_comment, catalog.fuzzy = "# Messages of Hansa. Apache-2.0.", False
    catalog.creation_date = catalog.revision_date = NO_DATE
    output = io.BytesIO()
    write_po(output, catalog, width=120, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
    return b"".join(line for line in output.getvalue().splitlines(keepends=True) if b"Generated-By" not in line)


def compiled(catalog: Catalog) -> bytes:
    output = io.BytesIO()
    write_mo(output, catalog)
    return output.getvalue()


def update() -> None:
    source = template()
    TEMPLATE.write_bytes(rendered(source))
    for path, catalog in translations():
        catalog.update(source, no_fuzzy_matching=True)
        path.write_bytes(rendered(catalog))
        path.with_suffix(".mo").write_bytes(compiled(catalog))
        missing = [message.id for message in catalog if message.id and not message.string]
        print(f"{path}: {len(catalog)} messages, {len(missing)} to translate")


if __name__ == "__main__":
    update()
