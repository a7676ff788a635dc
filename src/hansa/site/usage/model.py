"""Use, as this site accounts for it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hansa.cloud.model import EventKind, ServerEvent

_RUNS = frozenset({EventKind.STARTED})
_RESTS = frozenset({EventKind.STOPPED, EventKind.SUSPENDED, EventKind.FAILED, EventKind.DELETED})


@dataclass(frozen=True, slots=True)
class MachineUse:
    """One machine from its creation on. `ran` holds the finished runs; `running_since` began the one that goes on.

    Sizes are those of the last start: a machine is resized while it is stopped. `cpu_ran` is vcpus × time, run by run.
    """

    server: str
    name: str
    project: str
    user: str
    vo: str | None
    fqan: str | None
    image: str | None
    vcpus: int
    ram_mib: int
    disk_gib: int
    status: EventKind
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    running_since: datetime | None = None
    ran: timedelta = timedelta()
    cpu_ran: timedelta = timedelta()

    def wall(self, now: datetime) -> timedelta:
        """How long the machine has been running until `now`; stopped and suspended times do not count."""
        return self.ran + self._present(now)

    def cpu_wall(self, now: datetime) -> timedelta:
        return self.cpu_ran + self._present(now) * self.vcpus

    def _present(self, now: datetime) -> timedelta:
        return max(now - self.running_since, timedelta()) if self.running_since else timedelta()


def first_use(event: ServerEvent) -> MachineUse:
    """A machine as its first event tells of it."""
    return MachineUse(
        server=event.server,
        name=event.name,
        project=event.project,
        user=event.user,
        vo=event.vo,
        fqan=event.fqan,
        image=event.image,
        vcpus=event.vcpus,
        ram_mib=event.ram_mib,
        disk_gib=event.disk_gib,
        status=event.kind,
        created=event.time,
    )


def after(use: MachineUse, event: ServerEvent) -> MachineUse:
    """The machine's use once that has happened too."""
    use = replace(use, status=event.kind, name=event.name)
    if event.kind in _RESTS and use.running_since is not None:
        present = event.time - use.running_since
        use = replace(use, running_since=None, ran=use.ran + present, cpu_ran=use.cpu_ran + present * use.vcpus)
    if event.kind in _RUNS:
        return replace(
            use,
            started=use.started or event.time,
            running_since=use.running_since or event.time,
            vcpus=event.vcpus,
            ram_mib=event.ram_mib,
            disk_gib=event.disk_gib,
        )
    return replace(use, ended=event.time) if event.kind is EventKind.DELETED else use
