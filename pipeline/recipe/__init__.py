"""The recipe: its sections, how it is read from YAML, what is wrong in it, what of it is identity."""
