"""A corpus of attribute certificates, good and bad, each with the one reason it must be refused for."""

from tests.support.acs import content, form, good, signers
from tests.support.acs.corpus import CASES, Attempt, Case

FILES = (good, form, content, signers)
"""Importing them has filled `CASES`."""

__all__ = ["CASES", "FILES", "Attempt", "Case"]
