"""Tasks whose answer is a text that is written: encoded, trained on, written, and turned back into text."""
