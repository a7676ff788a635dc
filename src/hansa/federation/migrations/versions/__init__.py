"""Migrations of the federation's tables; how to add one: `hansa.base.migrations`."""
