"""What a shell line says: words of parts, and commands of words."""

from dataclasses import dataclass, field
from typing import TypeAlias

SHELL = "/system/bin/sh"
"""Who complains."""


class ShellSyntaxError(Exception):
    """The line is none that mksh takes; the message is mksh's."""

    code = 1


class NotSimulatedError(ShellSyntaxError):
    """mksh may take the line, this shell does not: it says so rather than guess."""

    code = 2

    def __init__(self, what: str) -> None:
        super().__init__(f"not simulated: {what}")


@dataclass(frozen=True, slots=True)
class Text:
    """Literal characters; quoted ones are no pattern, no reserved word and no operator."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """`$NAME`, or `${NAME#PATTERN}` and the like; `/` has a replacement too."""

    name: str
    quoted: bool
    operator: str = ""
    pattern: "Word" = ()
    replacement: "Word" = ()


@dataclass(frozen=True, slots=True)
class Substitution:
    """`$(…)`."""

    body: "Script"
    quoted: bool


Part: TypeAlias = Text | Parameter | Substitution
Word: TypeAlias = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Redirection:
    """`2>/dev/null`: a descriptor, an operator and where to."""

    descriptor: int
    operator: str
    target: Word


@dataclass(frozen=True, slots=True)
class Simple:
    """Assignments, then the command's words."""

    assignments: tuple[tuple[str, Word], ...]
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """`[[ … ]]`, whose words are neither split nor matched against files."""

    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class If:
    """Conditions with what each leads to; `otherwise` may be empty."""

    branches: tuple[tuple["Script", "Script"], ...]
    otherwise: "Script"


@dataclass(frozen=True, slots=True)
class Group:
    """`{ …; }`, or `( … )` with its own variables."""

    body: "Script"
    subshell: bool


Command: TypeAlias = Simple | Condition | If | Group


@dataclass(frozen=True, slots=True)
class Stage:
    """One command of a pipeline with its redirections."""

    command: Command
    redirections: tuple[Redirection, ...]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands, each reading what the one before it writes; `!` turns the outcome around."""

    stages: tuple[Stage, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """Pipelines with `&&` or `||` before each but the first; `&` at the end: not waited for."""

    first: Pipeline
    rest: tuple[tuple[str, Pipeline], ...]
    background: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """Chains, one after another."""

    chains: tuple[Chain, ...] = field(default=())
