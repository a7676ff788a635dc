"""What the federation's operator runs."""
