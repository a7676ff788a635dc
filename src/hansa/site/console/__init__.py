"""What a machine wrote to its serial console: OCCI has no word for it, so the native API has."""
