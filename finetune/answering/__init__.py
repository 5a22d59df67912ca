"""Logits to answers: batches without padding, one answer per example."""
