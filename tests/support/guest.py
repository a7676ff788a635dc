"""The tiny guest for tests: built once, its packages kept under `var/`; skips where it cannot be made."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hansa.base.errors import BackendDown
from hansa.cloud.guest import build_image
from hansa.cloud.guest.build import recipe_digest

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "var" / "guest" / "packages"


def guest_image(target: Path | None = None, *, skip: Callable[[str], None] = pytest.skip) -> Path:
    """The image's path. Without `target`: `var/guest/guest.qcow2`, made anew when the recipe has changed."""
    try:
        if target is not None:
            return build_image(target, PACKAGES).path
        return _cached()
    except BackendDown as missing:
        skip(f"the guest image cannot be made here: {missing.message}")
        raise


def _cached() -> Path:
    image = ROOT / "var" / "guest" / "guest.qcow2"
    mark = image.with_suffix(".recipe")
    if not image.exists() or not mark.exists() or mark.read_text() != recipe_digest():
        build_image(image, PACKAGES)
        mark.write_text(recipe_digest())
    return image
