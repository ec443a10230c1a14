"""What in a sentence forbids acting on it now."""

from orchestrator.guard.objections import REASONS, Objection, objection, reason
from orchestrator.guard.patterns import Kind

__all__ = ["REASONS", "Kind", "Objection", "objection", "reason"]
