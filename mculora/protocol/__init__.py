"""Who is tested on what: folds and missing-modality masks."""
