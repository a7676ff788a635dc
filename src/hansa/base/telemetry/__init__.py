"""What a running server tells: logs, the audit log, metrics, health.

`logs` sets logging up and `redaction` keeps secrets out of it; `requests` is the ASGI middleware that gives every request
an id, an access line and its metrics; `metrics` holds the process's registry; `health` answers `/healthz` and `/readyz`;
`audit` writes who did what. Everybody logs through `structlog.stdlib.get_logger(__name__)`: an event name
(`watch.reloaded`) and fields, never a sentence with values in it.
"""
