"""Hansa: independent clouds, one league. Federated IaaS clouds, whole, in one distribution."""

__version__ = "0.1.0"
