"""What the guest is made of: packages, programs, kernel modules, and the constants that make two builds equal."""

from datetime import UTC, datetime

KERNEL_META_PACKAGE = "linux-image-cloud-amd64"
"""Its dependency names the kernel package of the day."""

GUEST_PACKAGES = (
    "busybox-static",
    "dropbear-bin",
    "e2fsprogs",
    "libaudit1",
    "libblkid1",
    "libc6",
    "libcap-ng0",
    "libcom-err2",
    "libcrypt1",
    "libexpat1",
    "libext2fs2",
    "libgmp10",
    "libpam-modules",
    "libpam0g",
    "libpcre2-8-0",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libselinux1",
    "libtomcrypt1",
    "libtommath1",
    "libuuid1",
    "python3-yaml",
    "python3.11-minimal",
    "sudo",
    "zlib1g",
)
TOOL_PACKAGES = ("dosfstools", "libss2", "mtools", "syslinux", "syslinux-common")
"""Needed while building only."""

PROGRAMS = {
    "usr/bin/busybox": ("busybox-static", "bin/busybox"),
    "usr/bin/dropbearkey": ("dropbear-bin", "usr/bin/dropbearkey"),
    "usr/bin/dbclient": ("dropbear-bin", "usr/bin/dbclient"),
    "usr/bin/dropbear": ("dropbear-bin", "usr/sbin/dropbear"),
    "usr/bin/resize2fs": ("e2fsprogs", "sbin/resize2fs"),
    "usr/bin/python3": ("python3.11-minimal", "usr/bin/python3.11"),
    "usr/bin/sudo": ("sudo", "usr/bin/sudo"),
    "usr/libexec/sudo/sudoers.so": ("sudo", "usr/libexec/sudo/sudoers.so"),
    **{
        f"usr/lib/x86_64-linux-gnu/security/pam_{rule}.so": (
            "libpam-modules",
            f"lib/x86_64-linux-gnu/security/pam_{rule}.so",
        )
        for rule in ("deny", "permit")
    },
}
"""Path in the guest: package and path there. The libraries they need follow by themselves."""

SETUID = frozenset({"usr/bin/sudo"})

STDLIB_EXTRA = ("json", "shlex.py")
"""Modules the agent needs beyond Debian's minimal Python."""

BOOT_MODULES = ("virtio_pci", "virtio_blk", "virtio_scsi", "sd_mod", "ata_piix")
"""In the initramfs: what the root disk may hang on."""

MODULES = (
    *BOOT_MODULES,
    "virtio_net",
    "virtio_rng",
    "virtio_balloon",
    "virtio_console",
    "sr_mod",
    "isofs",
    "vfat",
    "nls_ascii",
    "nls_cp437",
    "button",
    "evdev",
)
"""In the guest, with all that they depend on."""

KERNEL_ARGUMENTS = "console=tty0 console=ttyS0,115200 quiet loglevel=3 no_timer_check random.trust_cpu=on"

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
"""The time every file bears."""

FILESYSTEM_UUID = "6f6e6520-6c65-4167-a675-650000000001"
HASH_SEED = "6f6e6520-6c65-4167-a675-650000000002"
BOOT_VOLUME_ID = "48414e53"
DISK_ID = 0x48414E53

MIB = 1024 * 1024
BOOT_MIB = 20
ROOT_MIB = 64
"""The root file system as built; the agent grows it to the disk at boot."""
