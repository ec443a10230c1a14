"""The wire half of a simulated phone: what Android's adbd says and hears."""
