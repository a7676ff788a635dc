"""Drivers: the model translated into a stack."""
