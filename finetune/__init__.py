"""Floor 4: tasks, supervised objectives, evaluation."""
