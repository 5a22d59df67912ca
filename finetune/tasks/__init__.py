"""Labelled tasks as data: specs, the suites and their tasks, a user's own."""
