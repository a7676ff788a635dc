# ruff: noqa: N802  (names of unittest)
"""Runs in the environment of OpenStack's programs: tests of Tempest, one after the other, as JSON lines on standard output.

`python tempest_run.py list` prints their names; `python tempest_run.py run FILE` runs those that the file lists.
"""

import importlib
import json
import pathlib
import pkgutil
import sys
import unittest

PACKAGE = "tempest.api.identity"


def tests_of(suite):
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from tests_of(each)
        else:
            yield each


def loaded(package):
    loader = unittest.TestLoader()
    root = importlib.import_module(package)
    for found in pkgutil.walk_packages(root.__path__, package + "."):
        module = importlib.import_module(found.name)
        for each in tests_of(loader.loadTestsFromModule(module, pattern=None)):
            if each.__module__ == module.__name__:
                yield each


def short(test):
    return test.id().removeprefix(PACKAGE + ".").partition("[")[0]


class Lines(unittest.TestResult):
    """What became of each test, as soon as it is known."""

    def say(self, test, outcome, why=""):
        print(
            json.dumps({"test": getattr(test, "id", lambda: str(test))(), "outcome": outcome, "why": why}), flush=True
        )

    def addSuccess(self, test, *args, **kwargs):
        self.say(test, "passed")

    def addFailure(self, test, err=None, details=None):
        self.say(test, "failed", self.reason(test, err, details))

    def addError(self, test, err=None, details=None):
        self.say(test, "failed", self.reason(test, err, details))

    def addSkip(self, test, reason=None, details=None):
        self.say(test, "skipped", reason or self.reason(test, None, details))

    def addExpectedFailure(self, test, err=None, details=None):
        self.say(test, "passed")

    def reason(self, test, err, details):
        if details:
            return "\n".join(each.as_text() for each in details.values())[-4000:]
        return self._exc_info_to_string(err, test)[-4000:] if err else ""


def main():
    if sys.argv[1] == "list":
        for each in loaded(PACKAGE):
            print(each.id())
        return
    wanted = set(pathlib.Path(sys.argv[2]).read_text(encoding="utf-8").split())
    found = (each for each in loaded(PACKAGE) if short(each) in wanted)
    unittest.TestSuite(found).run(Lines())


main()
