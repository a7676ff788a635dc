"""The page about the site's policy names every reason for which identity refuses."""

import re
from pathlib import Path

from hansa.site.identity.model import Reason

PAGE = Path(__file__).parents[3] / "docs/reference/site-policy.md"


def test_every_reason_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"^\| 4\d\d \| `(identity\.\w+)` \|", PAGE.read_text(), re.MULTILINE))
    assert documented == set(Reason)
