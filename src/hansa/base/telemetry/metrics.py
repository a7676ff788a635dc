"""Prometheus metrics: the process's registry, and what base itself counts. docs/reference/metrics.md lists all of them.

A room defines its own beside its code with `registry=REGISTRY`. Names begin with `hansa_` and end with the unit; labels take few
values, chosen by us: never a path, a name or an id that a user chose.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics, make_asgi_app
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from hansa import __version__

disable_created_metrics()  # type: ignore[no-untyped-call]  # no series of creation times, which nobody asked for
REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)
Info("hansa_build", "What runs.", registry=REGISTRY).info({"version": __version__})

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

http_requests = Counter(
    "hansa_http_requests",
    "Requests answered, by the template of their route.",
    ["method", "route", "status"],
    registry=REGISTRY,
)
http_seconds = Histogram(
    "hansa_http_request_seconds",
    "Head received to answer ended.",
    ["method", "route"],
    registry=REGISTRY,
    buckets=SECONDS,
)
http_in_progress = Gauge("hansa_http_requests_in_progress", "Requests being answered now.", registry=REGISTRY)
database_seconds = Histogram(
    "hansa_database_seconds",
    "Transactions, with their waiting and retries.",
    ["kind"],
    registry=REGISTRY,
    buckets=SECONDS,
)
database_retries = Counter(
    "hansa_database_retries", "Transactions run again because another one changed the same rows.", registry=REGISTRY
)
workflows = Counter("hansa_workflows", "Workflows that ended, by outcome.", ["workflow", "status"], registry=REGISTRY)
workflow_step_seconds = Histogram(
    "hansa_workflow_step_seconds",
    "Steps of workflows, done or failed.",
    ["workflow", "step"],
    registry=REGISTRY,
    buckets=SECONDS,
)
workflow_undo_failures = Counter(
    "hansa_workflow_undo_failures", "Undos that failed and will be tried again.", ["workflow"], registry=REGISTRY
)
watch_failures = Counter("hansa_watch_failures", "Changed files that could not be taken over.", registry=REGISTRY)
audit_failures = Counter("hansa_audit_failures", "Lines that could not be written to the audit log.", registry=REGISTRY)

metrics_app = make_asgi_app(registry=REGISTRY)
"""The ASGI application behind `/metrics`."""
