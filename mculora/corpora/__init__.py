"""What a corpus says: utterances, labels, splits."""
