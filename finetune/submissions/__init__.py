"""What the suites' boards take: their files as data, written from predictions and checked before they are sent."""
