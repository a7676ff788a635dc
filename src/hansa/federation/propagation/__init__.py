"""What sites are told of the members of the VOs they support (docs/explanation/propagation.md)."""
