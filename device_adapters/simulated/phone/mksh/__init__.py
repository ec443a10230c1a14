"""mksh, Android's shell, as far as clients use it; what it does not read it refuses loudly."""

from device_adapters.simulated.phone.mksh.evaluator import Program, Shell
from device_adapters.simulated.phone.mksh.tree import SHELL, NotSimulatedError, ShellSyntaxError

__all__ = ["SHELL", "NotSimulatedError", "Program", "Shell", "ShellSyntaxError"]
