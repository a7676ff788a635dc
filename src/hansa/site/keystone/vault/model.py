"""What the vault keeps."""

import hashlib
from dataclasses import dataclass, field

EC2 = "ec2"
BLOB_MAX = 65_536
"""Characters."""


@dataclass(frozen=True, slots=True)
class Credential:
    """`blob` means something to whoever uses that `type`; of an EC2 key it is a JSON object with `access` and `secret`."""

    id: str
    user: str
    type: str
    blob: str = field(repr=False)
    project: str | None = None


def ec2_id(access: str) -> str:
    """An EC2 key is found by what stands in a request: SHA-256 of its access key, as Keystone has it."""
    return hashlib.sha256(access.encode()).hexdigest()
