"""What every driver must do, as tests: one suite, run unchanged against each.

A driver's test module defines an asynchronous pytest fixture `harness` that gives an open, empty cloud as a `Harness`,
and one class that inherits the suite::

    class TestEmbedded(CloudConformance):
        pass

Tests of an ability that the driver does not have are skipped. Needs pytest and pytest-asyncio (mode "auto").
"""

from hansa.cloud.conformance.harness import Harness
from hansa.cloud.conformance.images import ImageLaws
from hansa.cloud.conformance.machines import MachineLaws
from hansa.cloud.conformance.networks import NetworkLaws
from hansa.cloud.conformance.projects import ProjectLaws
from hansa.cloud.conformance.volumes import VolumeLaws

__all__ = ["CloudConformance", "Harness"]


class CloudConformance(MachineLaws, ProjectLaws, VolumeLaws, NetworkLaws, ImageLaws):
    """Every law. Real guests boot about a dozen times in it."""
