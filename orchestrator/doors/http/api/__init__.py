"""The hub's operations as REST, for programs that hold a token."""
