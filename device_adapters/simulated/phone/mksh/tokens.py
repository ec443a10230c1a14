"""The tokens of a text, one ahead, and what is said of one that should not be there."""

import re
from typing import NoReturn

from device_adapters.simulated.phone.mksh.lexer import NAME, Lexer, Operator, Token
from device_adapters.simulated.phone.mksh.tree import (
    NotSimulatedError,
    ShellSyntaxError,
    Text,
    Word,
)

LATER = ("for", "while", "until", "case", "select", "function", "time")
"""Reserved words of mksh that this shell does not read."""

_RESERVED = ("if", "then", "elif", "else", "fi", "{", "}", "!", "[[", "do", "done", "esac", *LATER)

_ASSIGNMENT = re.compile(rf"({NAME})(\[[^]]*\])?(\+?)=")


class Tokens:
    """What a parser reads from."""

    def __init__(self, lexer: Lexer) -> None:
        self._lexer = lexer
        self._ahead: Token | None = None

    def peek(self) -> Token:
        if self._ahead is None:
            self._ahead = self._lexer.token()
        return self._ahead

    def take(self) -> Token:
        token, self._ahead = self.peek(), None
        return token

    def operator(self) -> str:
        token = self.take()
        return token.text if isinstance(token, Operator) else ""

    def at(self, *operators: str) -> bool:
        token = self.peek()
        return isinstance(token, Operator) and token.text in operators

    def reserved(self) -> str | None:
        """The reserved word that is next, where a command may begin."""
        match self.peek():
            case (Text(text, False),) if text in _RESERVED:
                return text
        return None

    def unexpected(self) -> NoReturn:
        token = self.peek()
        if isinstance(token, Operator):
            names = {"": "EOF", "\n": "newline"}
            shown = names.get(token.text, f"'{token.text}'")
        else:
            shown = f"'{''.join(part.text for part in token if isinstance(part, Text))}'"
        raise ShellSyntaxError(f"syntax error: unexpected {shown}")

    def close(self, opening: str, closing: str) -> None:
        """Take the bracket or reserved word that ends what `opening` began."""
        if self.at(""):
            raise ShellSyntaxError(f"syntax error: unmatched '{opening}'")
        if not self.at(closing) and self.reserved() != closing:
            self.unexpected()
        self.take()


def assignment(word: Word) -> tuple[str, Word] | None:
    """Name and value of `NAME=value`; None for another word."""
    match word:
        case (Text(text, False), *rest) if found := _ASSIGNMENT.match(text):
            if found[2] or found[3]:
                raise NotSimulatedError(found[0])
            value = text[found.end() :]
            return found[1], (*([Text(value)] if value else []), *rest)
    return None
