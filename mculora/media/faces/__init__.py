"""Faces in pictures: detectors, following one face, cutting it out, sheets to look at."""
