"""Vectors that others have published, brought into a feature store instead of extracted."""
