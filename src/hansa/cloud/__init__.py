"""The model of a cloud and the port every driver implements."""
