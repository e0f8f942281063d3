"""The stages: read files, call `mculora`, write files."""
