"""Examples to ids: texts, pairs, candidates, windows, words."""
