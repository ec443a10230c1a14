"""From words and operators to commands, by mksh's grammar."""

import re
from collections.abc import Iterator

from device_adapters.simulated.phone.mksh.lexer import Lexer, Operator
from device_adapters.simulated.phone.mksh.tokens import LATER, Tokens, assignment
from device_adapters.simulated.phone.mksh.tree import (
    Chain,
    Command,
    Condition,
    Group,
    If,
    NotSimulatedError,
    Pipeline,
    Redirection,
    Script,
    Simple,
    Stage,
    Text,
    Word,
)

_REDIRECTION = re.compile(r"([0-9]?)(&>|>>|>&|<&|<<|<>|>\||[<>])")
_READ_REDIRECTIONS = (">", ">>", ">&", "<", "&>")


def parse(text: str) -> Iterator[Script]:
    """A text's lines; as in mksh each can run before the next is read."""
    parser = _Parser(Lexer(text, _substituted))
    while (script := parser.line()) is not None:
        yield script


def _substituted(lexer: Lexer) -> Script:
    """What stands between `$(` and `)`."""
    parser = _Parser(lexer)
    body = parser.body()
    parser.close("(", ")")
    match body:
        case Script((Chain(Pipeline((Stage(Simple((), ())),)), ()),)):
            raise NotSimulatedError("$(<FILE)")
    return body


class _Parser(Tokens):
    """Recursive descent."""

    def line(self) -> Script | None:
        """The commands up to a line's end; None at the end of the text."""
        while self.at("\n"):
            self.take()
        if self.at(""):
            return None
        chains = [self._chain()]
        while self._separated(chains) and not self.at("\n", ""):
            chains.append(self._chain())
        if not self.at("\n", ""):
            self.unexpected()
        return Script(tuple(chains))

    def body(self) -> Script:
        """The commands up to a reserved word or a bracket that ends them."""
        chains: list[Chain] = []
        while True:
            while self.at("\n"):
                self.take()
            if self.at(")", "") or self.reserved() in ("then", "elif", "else", "fi", "}"):
                return Script(tuple(chains))
            chains.append(self._chain())
            if not self._separated(chains) and not self.at("\n"):
                return Script(tuple(chains))

    def _separated(self, chains: list[Chain]) -> bool:
        """Whether `;` or `&` came, after which more may follow."""
        if self.at("&"):
            last = chains[-1]
            chains[-1] = Chain(last.first, last.rest, background=True)
        elif not self.at(";"):
            return False
        self.take()
        return True

    def _chain(self) -> Chain:
        first, rest = self._pipeline(), list[tuple[str, Pipeline]]()
        while self.at("&&", "||"):
            operator = self.operator()
            rest.append((operator, self._pipeline(after=True)))
        return Chain(first, tuple(rest))

    def _pipeline(self, *, after: bool = False) -> Pipeline:
        """Stages; `after` an operator lines may end."""
        negated = False
        while after and self.at("\n"):
            self.take()
        while self.reserved() == "!":
            self.take()
            negated = not negated
        stages = [self._stage()]
        while self.at("|"):
            self.take()
            while self.at("\n"):
                self.take()
            stages.append(self._stage())
        return Pipeline(tuple(stages), negated)

    def _stage(self) -> Stage:
        """A command and its redirections, which may stand among a simple command's words."""
        redirections: list[Redirection] = []
        command = self._compound()
        if command is None:
            command = self._simple(redirections)
        while self._redirected(redirections):
            pass
        return Stage(command, tuple(redirections))

    def _compound(self) -> Command | None:
        """What begins with a bracket or a reserved word; None for a simple command."""
        if self.at("("):
            self.take()
            body = self.body()
            self.close("(", ")")
            return Group(body, subshell=True)
        match self.reserved():
            case "if":
                return self._if()
            case "{":
                self.take()
                body = self.body()
                self.close("{", "}")
                return Group(body, subshell=False)
            case "[[":
                self.take()
                return self._condition()
            case None:
                return None
            case word if word in LATER or word == "!":
                raise NotSimulatedError(f"'{word}'")
        return self.unexpected()

    def _if(self) -> If:
        branches: list[tuple[Script, Script]] = []
        while self.reserved() in ("if", "elif"):
            self.take()
            condition = self._filled()
            self.close("if", "then")
            branches.append((condition, self._filled()))
        otherwise = Script()
        if self.reserved() == "else":
            self.take()
            otherwise = self._filled()
        self.close("if", "fi")
        return If(tuple(branches), otherwise)

    def _filled(self) -> Script:
        """A body that holds at least one command."""
        body = self.body()
        if not body.chains and not self.at(""):
            self.unexpected()
        return body

    def _condition(self) -> Condition:
        words: list[Word] = []
        while (token := self.take()) != (Text("]]"),):
            if isinstance(token, Operator):
                raise NotSimulatedError(f"'{token.text}' in [[ ]]")
            words.append(token)
        return Condition(tuple(words))

    def _simple(self, redirections: list[Redirection]) -> Simple:
        assignments: list[tuple[str, Word]] = []
        words: list[Word] = []
        while True:
            if self._redirected(redirections):
                continue
            token = self.peek()
            if isinstance(token, Operator):
                break
            self.take()
            if not words and (found := assignment(token)):
                assignments.append(found)
            else:
                words.append(token)
        if self.at("("):
            raise NotSimulatedError("functions and arrays")
        if not words and not assignments and not redirections:
            self.unexpected()
        return Simple(tuple(assignments), tuple(words))

    def _redirected(self, redirections: list[Redirection]) -> bool:
        """Whether a redirection was there, and is now taken."""
        token = self.peek()
        match = _REDIRECTION.fullmatch(token.text) if isinstance(token, Operator) else None
        if match is None:
            return False
        digit, operator = match.groups()
        if operator not in _READ_REDIRECTIONS:
            raise NotSimulatedError(f"'{operator}'")
        self.take()
        target = self.peek()
        if isinstance(target, Operator):
            self.unexpected()
        self.take()
        descriptor = int(digit or (0 if operator == "<" else 1))
        redirections.append(Redirection(descriptor, operator, target))
        return True
