"""Floor 3: self-supervised objectives and their sources."""
