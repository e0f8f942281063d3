"""The network of the paper: adapters per modality combination, encoders, fusion, checkpoint."""
