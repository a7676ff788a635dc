"""The tiny guest: a bootable machine image made from Debian packages, and the cloud-init work-alike that lives in it.

`build.build_image` makes the image: no root, no mount, the same bytes for the same packages. `recipe` says what goes in,
`files/` holds the files of ours, `agent/` runs inside the guest (it knows nothing of Hansa).
"""

from hansa.cloud.guest.build import BuiltImage, build_image, ensure_image

__all__ = ["BuiltImage", "build_image", "ensure_image"]
