"""Bytes to tensors in time: video frames, audio samples, faces."""
