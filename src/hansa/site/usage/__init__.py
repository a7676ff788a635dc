"""Usage events of the machines of this site."""
