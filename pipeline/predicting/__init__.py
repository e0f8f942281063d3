"""What `mculora predict` reads and writes."""
