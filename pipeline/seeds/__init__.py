"""A run under several seeds, and two runs seed by seed."""
