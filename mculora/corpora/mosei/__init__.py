"""CMU-MOSEI: transcripts, ratings, folds and media as its publishers lay them out."""
