"""What a resource provider runs."""
