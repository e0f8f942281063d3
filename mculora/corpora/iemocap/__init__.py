"""IEMOCAP: consensus evaluations, transcripts and recordings as its publishers lay them out."""
