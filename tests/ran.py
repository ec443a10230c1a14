"""How a command line ended."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ran:
    """Its status, and what it wrote on its two outputs."""

    status: int
    out: str
    err: str

    @property
    def told(self) -> Any:
        """What stands on the standard output, which is JSON and nothing else."""
        return json.loads(self.out)
