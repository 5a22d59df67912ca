"""Classes asked for in words: the head of the language model answers, and a task brings no parameters of its own."""
