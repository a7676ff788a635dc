"""Options as the VOMS clients take them: `-name` and `--name` alike, dashes or underscores, abbreviated while unambiguous."""

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from hansa import __version__


class Usage(Exception):
    """The program ends here, after `text` on stdout (code 0) or stderr."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class VomsParser(argparse.ArgumentParser):
    """A parser in which every option may be written in all the ways that users have learned."""

    def __init__(self, program: str) -> None:
        super().__init__(prog=program, add_help=False)
        self._rows: list[tuple[str, str]] = []

    def option(self, names: str, help_text: str, metavar: str | None = None, **kwargs: Any) -> None:
        """`names` are the spellings, blanks between; with a `metavar` the option takes a value, else it is a flag."""
        spellings = names.split()
        words = dict.fromkeys(variant for word in spellings for variant in (word, word.replace("-", "_")))
        flags = [f"{dash}{word}" for word in words for dash in ("-", "--")]
        if metavar is None:
            kwargs.setdefault("action", "store_true")
        else:
            kwargs["metavar"] = metavar
        self.add_argument(*flags, dest=spellings[0].replace("-", "_"), **kwargs)
        shown = ", ".join(f"-{word}" for word in spellings) + (f" {metavar}" if metavar else "")
        self._rows.append((shown, help_text))

    def error(self, message: str) -> NoReturn:
        raise Usage(f"{self.prog}: {message}\n", 1)

    def read(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse; raises Usage for -help, -version and mistakes."""
        self.option("help usage", "Displays usage")
        self.option("version", "Displays version")
        given = self.parse_args(arguments)
        if given.help:
            rows = (f"    {flags:<30} {text}" for flags, text in self._rows)
            raise Usage("\n".join([f"{self.prog}:", "    Options", *rows]) + "\n", 0)
        if given.version:
            raise Usage(f"{self.prog}\nVersion: Hansa {__version__}\n", 0)
        return given


def hours_minutes(text: str) -> int:
    """`h`, `h:m` as seconds; for argparse."""
    hours, _colon, minutes = text.partition(":")
    numbers = (hours or "0", minutes or "0")
    if not all(number.isascii() and number.isdigit() and len(number) <= 6 for number in numbers):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time in the form h:m")
    return int(numbers[0]) * 3600 + int(numbers[1]) * 60
