"""How the network learns: losses, combination sampling (DPFT), the trainer."""
