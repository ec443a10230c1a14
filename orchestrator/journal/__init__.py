"""What happened to every command, durable before anything acts on it."""

from orchestrator.journal.engine import JournalUnavailable
from orchestrator.journal.journal import Journal

__all__ = ["Journal", "JournalUnavailable"]
