"""The embedded default corpus: the documentation that every Python installation carries, and tasks made of it."""
