"""What `evaluate` makes of its tests: every method's results, and the files that tell them."""
