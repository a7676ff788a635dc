"""Migrations of the embedded cloud's own database; how to add one: `hansa.base.migrations`."""
