"""Migrations of the site's tables; how to add one: `hansa.base.migrations`."""
