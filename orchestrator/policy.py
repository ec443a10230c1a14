"""Who may have what done: allow, confirm or deny."""

from enum import StrEnum

from schemas.base import Value
from schemas.function import Function, Risk


class Verdict(StrEnum):
    """What the policy says of one call."""

    ALLOW = "allow"
    CONFIRM = "confirm"
    DENY = "deny"


class Policy(Value):
    """`policy.toml`: rules by function name, by user first; else the function's own risk."""

    functions: dict[str, Verdict] = {}
    users: dict[str, dict[str, Verdict]] = {}

    def verdict(self, user: str, function: Function) -> Verdict:
        """The user's rule, the general rule, or what the function's risk asks for."""
        mine = self.users.get(user, {}).get(function.name)
        rule = mine or self.functions.get(function.name)
        if rule is not None:
            return rule
        return {
            Risk.SAFE: Verdict.ALLOW,
            Risk.CONFIRM: Verdict.CONFIRM,
            Risk.LOCKED: Verdict.DENY,
        }[function.risk]
