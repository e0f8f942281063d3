"""One modality's frozen features on disk: shards that are only ever added, and their index."""
