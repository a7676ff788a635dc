"""Rows of devices that wait for their user."""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from hansa.federation.provider.model import Device, DeviceState
from hansa.federation.provider.store.tables import devices


def insert(connection: Connection, hashed: str, user_code: str, device: Device) -> None:
    """`user_code`: its hash."""
    row = {
        "hash": hashed,
        "user_code": user_code,
        "client": device.client,
        "scope": " ".join(device.scope),
        "audiences": json.dumps(device.audiences),
        "expires": device.expires,
        "interval": device.interval,
        "polled": device.polled,
        "state": device.state.value,
        "grant": device.grant,
    }
    connection.execute(devices.insert().values(row))


def get(connection: Connection, hashed: str) -> Device | None:
    return _one(connection, devices.c.hash == hashed)


def by_user_code(connection: Connection, hashed: str) -> Device | None:
    return _one(connection, devices.c.user_code == hashed)


def asked(connection: Connection, hashed: str, polled: datetime, interval: int) -> None:
    connection.execute(devices.update().where(devices.c.hash == hashed).values(polled=polled, interval=interval))


def decide(connection: Connection, user_code: str, state: DeviceState, grant: str | None) -> None:
    change = devices.update().where(devices.c.user_code == user_code)
    connection.execute(change.values(state=state.value, grant=grant))


def delete(connection: Connection, hashed: str) -> None:
    connection.execute(devices.delete().where(devices.c.hash == hashed))


def _one(connection: Connection, which: Any) -> Device | None:
    row = connection.execute(sa.select(devices).where(which)).one_or_none()
    if row is None:
        return None
    scope, audiences = tuple(row.scope.split()), tuple(json.loads(row.audiences))
    return Device(
        row.client, scope, audiences, row.expires, row.interval, row.polled, DeviceState(row.state), row.grant
    )
