"""Floor 1: a FlatBatch to tensors. Knows no weights of losses and no corpora."""
