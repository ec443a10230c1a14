"""Runs what a line says: variables, outputs, and the order of commands."""

import re
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO

from device_adapters.simulated.phone.files import Files
from device_adapters.simulated.phone.mksh.builtins import OTHERS, echo, exit_code
from device_adapters.simulated.phone.mksh.conditions import holds, test
from device_adapters.simulated.phone.mksh.expansion import Expansion
from device_adapters.simulated.phone.mksh.lexer import NAME
from device_adapters.simulated.phone.mksh.parser import parse
from device_adapters.simulated.phone.mksh.redirection import Io, RedirectionError, redirected
from device_adapters.simulated.phone.mksh.tokens import assignment
from device_adapters.simulated.phone.mksh.tree import (
    SHELL,
    Chain,
    Condition,
    Group,
    If,
    NotSimulatedError,
    Pipeline,
    Redirection,
    Script,
    ShellSyntaxError,
    Simple,
    Stage,
    Text,
    Word,
)
from device_adapters.simulated.phone.result import Result, Words, complain

Program = Callable[[Words, bytes], Result]
"""Runs a command that the shell has not itself, by its words and its standard input."""

_EXPORT = (Text("export"),)
_SPECIAL = (":", "exit")
"""Commands whose assignments last, and whose redirections must not fail."""


class _Exit(Exception):
    """The shell is left."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Shell:
    """One shell: `program` runs what is no builtin, `files` are the phone's."""

    program: Program
    files: Files
    variables: dict[str, str] = field(default_factory=dict)
    status: int = 0

    def run(self, text: str) -> Result:
        """Run a whole text; what it says and its last command's code."""
        io = Io()
        try:
            for script in parse(text):
                self._script(script, io)
        except _Exit as exc:
            self.status = exc.code
        except ShellSyntaxError as exc:
            self._complain(exc, io)
        except RecursionError:
            self._complain(NotSimulatedError("brackets so deep"), io)
        return Result(bytes(io.out), bytes(io.err), self.status)

    def _complain(self, error: ShellSyntaxError, io: Io) -> None:
        io.err.extend(f"{SHELL}: {error}\n".encode(errors="surrogateescape"))
        self.status = error.code

    def _script(self, script: Script, io: Io) -> None:
        for chain in script.chains:
            if chain.background:
                self._child(Script((Chain(chain.first, chain.rest),)), io)
                self.status = 0
            else:
                self._chain(chain, io)

    def _chain(self, chain: Chain, io: Io) -> None:
        self._pipeline(chain.first, io)
        for operator, pipeline in chain.rest:
            if (self.status == 0) == (operator == "&&"):
                self._pipeline(pipeline, io)

    def _pipeline(self, pipeline: Pipeline, io: Io) -> None:
        """Each stage of several is a shell of its own; the last one's status counts."""
        *writers, last = pipeline.stages
        for stage in writers:
            between = bytearray()
            self._alone(stage, Io(io.stdin, between, io.err))
            io = Io(BytesIO(between), io.out, io.err)
        self.status = self._alone(last, io) if writers else self._stage(last, io)
        if pipeline.negated:
            self.status = int(not self.status)

    def _alone(self, stage: Stage, io: Io) -> int:
        """The status of a stage that cannot change this shell."""
        return self._child(Script((Chain(Pipeline((stage,)), ()),)), io)

    def _child(self, script: Script, io: Io) -> int:
        """Run it in a shell of its own; its status."""
        child = Shell(self.program, self.files, dict(self.variables), self.status)
        try:
            child._script(script, io)
        except _Exit as exc:
            return exc.code
        return child.status

    def _stage(self, stage: Stage, io: Io) -> int:
        """Run one command where its redirections lead; its status."""
        if isinstance(stage.command, Simple):
            return self._simple(stage.command, stage.redirections, io)
        try:
            with redirected(stage.redirections, io, self._words(io), self.files) as inner:
                return self._compound(stage.command, inner)
        except RedirectionError:
            return 1

    def _compound(self, command: Condition | Group | If, io: Io) -> int:
        match command:
            case Condition(words):
                return int(not holds(words, self._words(io)))
            case Group(body, subshell=True):
                return self._child(body, io)
            case Group(body):
                return self._body(body, io)
            case If(branches, otherwise):
                for condition, body in branches:
                    if self._body(condition, io) == 0:
                        return self._body(body, io)
                return self._body(otherwise, io)

    def _body(self, script: Script, io: Io) -> int:
        """Run it here; nothing in it is success."""
        if not script.chains:
            return 0
        self._script(script, io)
        return self.status

    def _simple(self, simple: Simple, redirections: Sequence[Redirection], io: Io) -> int:
        """Fill in the words, then redirect, then assign, then run what the words name."""
        codes: list[int] = []
        expansion = self._words(io, codes)
        if simple.words[:1] == (_EXPORT,):
            words = self._export(simple.words[1:], expansion)
        else:
            words = expansion.fields(simple.words)
        try:
            with redirected(redirections, io, self._words(io), self.files) as inner:
                return self._assigned(simple.assignments, words, inner, codes)
        except RedirectionError as exc:
            if words and words[0] in _SPECIAL:
                raise _Exit(1) from exc
            return 1

    def _assigned(
        self, assignments: Sequence[tuple[str, Word]], words: list[str], io: Io, codes: list[int]
    ) -> int:
        """Run the words with the assignments; these last where there are no words."""
        before = dict(self.variables)
        for name, word in assignments:
            self.variables[name] = self._words(io, codes).single(word)
        if not words:
            return codes[-1] if codes else 0
        result = self._run(words, io)
        if words[0] not in _SPECIAL:
            self.variables = before
        io.out.extend(result.stdout)
        io.err.extend(result.stderr)
        return result.code

    def _run(self, words: list[str], io: Io) -> Result:
        """One command: a builtin, or what the phone has."""
        match words:
            case ["echo", *rest]:
                return echo(rest)
            case ["true" | ":" | "false" as name, *_]:
                return Result(code=int(name == "false"))
            case ["test", *rest] | ["[", *rest, "]"]:
                return test(rest, self._kind)
            case ["[", *_]:
                return complain(f"{SHELL}: [: missing ]", 2)
            case ["exit", *rest]:
                raise _Exit(exit_code(rest, self.status))
            case [name, *_] if name in OTHERS or name.startswith("-"):
                raise NotSimulatedError(name)
        return self.program(words, io.stdin.read())

    def _export(self, words: Sequence[Word], expansion: Expansion) -> list[str]:
        """Do what `export` does, which splits nothing; what is left to run."""
        for word in words:
            match assignment(word), word:
                case (name, value), _:
                    self.variables[name] = expansion.single(value)
                case None, (Text(text, False),) if re.fullmatch(NAME, text):
                    pass
                case _:
                    raise NotSimulatedError("export of what is no name")
        if not words:
            raise NotSimulatedError("export without names")
        return [":"]

    def _words(self, io: Io, substituted: list[int] | None = None) -> Expansion:
        """What words stand for now; the codes of substitutions are added to `substituted`."""

        def output(body: Script) -> str:
            said = bytearray()
            code = self._child(body, Io(io.stdin, said, io.err))
            if substituted is not None:
                substituted.append(code)
            return bytes(said).replace(b"\0", b"").decode(errors="surrogateescape")

        variables: Mapping[str, str] = {**self.variables, "?": str(self.status)}
        return Expansion(variables, output, self._names)

    def _names(self, folder: str) -> list[str]:
        return [name for name, _ in self.files.list(folder)]

    def _kind(self, path: str) -> str:
        entry = self.files.stat(path) if path else None
        if entry is None:
            return ""
        return "d" if stat.S_ISDIR(entry.mode) else "f"
