"""The native REST API of the registry: one table of operations, from which the routes and their description are made."""
