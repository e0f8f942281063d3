"""CMU-MOSI: transcripts, opinions, folds and media as its publishers lay them out."""
