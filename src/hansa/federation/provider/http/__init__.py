"""The provider's face: addresses below `/oidc/`, and the two documents that tell of them."""
