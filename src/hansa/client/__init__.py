"""The Python SDK: one client per standard."""
