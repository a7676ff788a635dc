"""A corpus of certificate chains, good and bad, each with the one reason it must be refused for.

A case is a function from a fresh `Grid` to what a site would see. Every bad one differs from a good one in a single point.
"""

from tests.support.chains import authorities, good, proxies, signers
from tests.support.chains.corpus import CASES, Attempt, Case

FILES = (good, proxies, signers, authorities)
"""Importing them has filled `CASES`."""

__all__ = ["CASES", "FILES", "Attempt", "Case"]
