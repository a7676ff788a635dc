"""Contextualisation: user data and SSH keys in both families of mixins, checked before a machine boots for them.

Clients of OpenStack sites send `org.openstack.…`, OCCI 1.2 has `occi.…`; a request may use both if they say the same.
User data is base64 in both; decoded it is what cloud-init reads.
"""

import base64
import binascii
import re
from collections.abc import Mapping

from hansa.base.errors import BadRequest, Conflict, TooLarge
from hansa.standards.cloudinit import check_user_data
from hansa.standards.occi import Value

USER_DATA = ("org.openstack.compute.user_data", "occi.compute.userdata")
PUBLIC_KEY = ("org.openstack.credentials.publickey.data", "occi.credentials.ssh.publickey")
NAMES = frozenset({*USER_DATA, *PUBLIC_KEY, "org.openstack.credentials.publickey.name"})

_KEY = re.compile(r"(ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,3}( .*)?")


def user_data(attributes: Mapping[str, Value], *, limit: int) -> bytes:
    """The decoded user data; empty if none is given.

    BadRequest if it is not strict base64 (line breaks aside), TooLarge beyond `limit` bytes, Conflict if the families
    disagree, CloudInitError if no guest could use it.
    """
    text = re.sub(r"\s+", "", _agreed(attributes, USER_DATA))
    if len(text) > limit * 4 // 3 + 4:
        raise TooLarge(f"User data may have {limit} bytes.", field=USER_DATA[0])
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        message = "User data must be encoded in base64 (base64 -w0 FILE)."
        raise BadRequest(message, field=USER_DATA[0]) from None
    if len(data) > limit:
        raise TooLarge(f"User data may have {limit} bytes; this has {len(data)}.", field=USER_DATA[0])
    if data:
        check_user_data(data)
    return data


def ssh_keys(attributes: Mapping[str, Value]) -> tuple[str, ...]:
    """The key as a line of authorized_keys. A wrong one would lock the user out of the machine: BadRequest."""
    key = _agreed(attributes, PUBLIC_KEY).strip()
    if not key:
        return ()
    if not _KEY.fullmatch(key):
        raise BadRequest("The public key must be one line as in ~/.ssh/id_ed25519.pub.", field=PUBLIC_KEY[0])
    return (key,)


def _agreed(attributes: Mapping[str, Value], names: tuple[str, str]) -> str:
    found = {str(attributes[name]) for name in names if name in attributes}
    if len(found) > 1:
        raise Conflict(f"{names[0]} and {names[1]} say different things; give one of them.", field=names[0])
    return found.pop() if found else ""
