"""What is done to documents before they are tokenised: each step switchable and counted."""
