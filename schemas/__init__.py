"""Values that travel between the parts: frozen, strict, and free of behaviour."""
