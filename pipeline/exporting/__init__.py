"""What `export` adds to a bundle: its card, and encoders that are found elsewhere."""
