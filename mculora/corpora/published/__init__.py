"""Corpora as others publish them: labels, ids, splits and transcripts without the recordings."""
