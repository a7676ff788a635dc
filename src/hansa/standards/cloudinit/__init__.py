"""User data and the seeds that carry it to a machine: what cloud-init, cirros and Hansa's own guest read at boot.

`check_user_data` classifies user data and refuses what no guest could use, before a machine is started for it.
`nocloud_files` and `config_drive_files` give the files of the two seed discs; writing the disc is the driver's part.
"""

from hansa.standards.cloudinit.cloud_config import check_cloud_config, load_yaml
from hansa.standards.cloudinit.errors import CloudInitError
from hansa.standards.cloudinit.seed import (
    CONFIG_DRIVE_LABEL,
    NOCLOUD_LABEL,
    Nic,
    config_drive_files,
    nocloud_files,
)
from hansa.standards.cloudinit.user_data import MAX_USER_DATA, UserDataKind, check_user_data

__all__ = [
    "CONFIG_DRIVE_LABEL",
    "MAX_USER_DATA",
    "NOCLOUD_LABEL",
    "CloudInitError",
    "Nic",
    "UserDataKind",
    "check_cloud_config",
    "check_user_data",
    "config_drive_files",
    "load_yaml",
    "nocloud_files",
]
