"""The embedded sample corpus: small, made from a seed, in the raw layout of CMU-MOSEI."""
