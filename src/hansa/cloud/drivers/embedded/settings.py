"""Settings of the embedded cloud: where it lives, what it offers, how much of the host it may take."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field

from hansa.base.config import FilePath, Settings
from hansa.cloud.settings import FLAVORS, Count, FlavorSettings, QuotaSettings

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0)]

QUOTA = QuotaSettings(servers=20, vcpus=40, ram_mib=65_536, volumes=20, volume_gib=500)


class EmbeddedSettings(Settings):
    """Everything has a default but the place."""

    state_dir: FilePath = Field(description="Database, images, disks and run directories of the machines.")
    qemu: str = Field("qemu-system-x86_64", description="The emulator: a name on the PATH, or a path.")
    qemu_img: str = Field("qemu-img", description="QEMU's disk tool: a name on the PATH, or a path.")
    accelerator: Literal["auto", "kvm", "tcg"] = Field(
        "auto", description='"auto" takes kvm if a trial machine really runs with it, else tcg (emulation).'
    )
    run_as: str | None = Field(
        None, description="Where Hansa is root: the user QEMU runs as. Without it QEMU is root too."
    )
    addresses: IPv4Network = Field(
        IPv4Network("127.11.0.0/16"),
        description="Each machine gets one address of this range, on which users reach it. Two sites on a host need two.",
    )
    forwards: Mapping[Port, Port] = Field(
        {22: 2222}, description="Forwarded TCP ports of the guest, each with the port to use where its own is not ours."
    )
    outbound: bool = Field(
        True, description="Machines may open connections: to the outside, and so to this host's own services too."
    )
    flavors: Mapping[str, FlavorSettings] = Field(FLAVORS, description="The sizes on offer, by name.")
    quota: QuotaSettings = Field(QUOTA, description="What each project may have.")
    project_quotas: Mapping[str, QuotaSettings] = Field({}, description="Replaces `quota` for some projects.")
    memory_mib: Count | None = Field(
        None, description="What all running machines may have together; without it, the host's memory less 1 GiB."
    )
    disk_reserve_gib: float = Field(1.0, ge=0, description="Nothing new is made when less space than this is free.")
    image_gib: float = Field(64.0, gt=0, description="The largest image taken, as a file and as a disk.")
    console_kib: int = Field(1024, ge=16, description="How much of a machine's console output is kept.")
    boot_seconds: Seconds = Field(30.0, description="How long QEMU may take to answer after its start.")
    stop_seconds: Seconds = Field(30.0, description="How long a guest may take to switch itself off when asked.")
    resume_after_reboot: bool = Field(True, description="Start again what was running when the host went down.")
