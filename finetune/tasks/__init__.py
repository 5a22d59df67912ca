"""Labelled tasks as data: specs, readers, encoded examples."""
