"""What is wrong with a recipe's text and tasks, told before any work."""
