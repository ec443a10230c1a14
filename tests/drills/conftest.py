"""A site of its own for each drill that wants a daemon."""

from tests.e2e.conftest import site

__all__ = ["site"]
