"""The OCCI face over any cloud driver."""
