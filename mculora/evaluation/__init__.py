"""How good it is: metrics, robustness curves, statistics."""
