"""Frozen transformers and torchaudio models as encoders: layers chosen, combined and pooled."""
