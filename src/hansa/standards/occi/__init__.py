"""OCCI 1.1 and 1.2: the core model as data, the infrastructure categories and every rendering."""
