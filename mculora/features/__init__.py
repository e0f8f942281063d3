"""Tensors to frozen vectors: encoders for audio, text and visual, and the store of their output."""
