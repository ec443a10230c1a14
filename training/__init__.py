"""How the embedded weights are made; never imported by the daemon."""
