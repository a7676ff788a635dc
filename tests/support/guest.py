"""The tiny guest for tests: built once, its packages kept under `var/`; skips where it cannot be made."""

from pathlib import Path

import pytest

from hansa.base.errors import BackendDown
from hansa.cloud.guest import build_image, ensure_image

DIRECTORY = Path(__file__).parents[2] / "var" / "guest"


def guest_image(target: Path | None = None) -> Path:
    """The image of `var/guest`, or one built anew at `target`."""
    try:
        return ensure_image(DIRECTORY) if target is None else build_image(target, DIRECTORY / "packages").path
    except BackendDown as missing:
        pytest.skip(f"the guest image cannot be made here: {missing.message}")
