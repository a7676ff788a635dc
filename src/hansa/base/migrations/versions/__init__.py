"""Migrations of the tables that every component has."""
