"""Floor 0: text to ids on disk. Knows no tensors."""
