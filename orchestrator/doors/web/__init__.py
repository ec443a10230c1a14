"""The HTTP door: the hub's web page and who may see it."""
