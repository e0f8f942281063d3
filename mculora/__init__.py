"""MCULoRA: emotion recognition from audio, text and video when some of the three are missing."""
