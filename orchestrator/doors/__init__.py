"""Where commands come in and events go out; doors do not know each other."""
