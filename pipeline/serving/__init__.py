"""The web service: one clip or transcript in, one prediction out, within limits."""
