"""From a recording, whatever it offers, to predictions."""
