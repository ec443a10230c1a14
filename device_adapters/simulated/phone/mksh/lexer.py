"""From characters to words and operators, by mksh's rules."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from device_adapters.simulated.phone.mksh.quotes import dollar_quoted
from device_adapters.simulated.phone.mksh.tree import (
    NotSimulatedError,
    Parameter,
    Part,
    Script,
    ShellSyntaxError,
    Substitution,
    Text,
    Word,
)

NAME = r"[A-Za-z_][A-Za-z0-9_]*"

_BLANK = re.compile(r"(?:[ \t]|\\\n|\\\Z)+")
_COMMENT = re.compile(r"#[^\n]*")
_OPERATOR = re.compile(r"[0-9]?(?:>>|>&|<&|<<|<>|>\||[<>])|&>|&&|\|\||;;|\|&|\(\(|[;&|()\n]")
_PLAIN = re.compile(r"[^ \t\n;&|<>()'\"\\$`]+")
_PLAIN_IN_BRACES = re.compile(r"[^'\"\\$`}/]+")
_PLAIN_IN_QUOTES = re.compile(r"[^\"\\$`]+")
_PARAMETER = re.compile(rf"\$(?:({NAME})|(\?)|\{{({NAME}|\?)(##?|%%?|//?)?)")
_SPECIAL_PARAMETER = re.compile(r"\$[0-9@*#$!\-{]")


@dataclass(frozen=True, slots=True)
class Operator:
    """`;`, `&&`, a line's end, `2>` and so on; the empty one ends the text."""

    text: str


Token = Operator | Word


class Lexer:
    """Reads one token at a time; `script` reads what stands in `$(…)`, up to the `)`."""

    def __init__(self, text: str, script: Callable[["Lexer"], Script]) -> None:
        self._text = text
        self._script = script
        self._position = 0

    def token(self) -> Token:
        """The next word or operator."""
        while self._taken(_BLANK) or self._taken(_COMMENT):
            pass
        if self._position >= len(self._text):
            return Operator("")
        if operator := self._taken(_OPERATOR):
            if operator in ("|&", "(("):
                raise NotSimulatedError(operator)
            return Operator(operator)
        return self._word(_PLAIN, quoted=False)

    def _word(self, plain: re.Pattern[str], *, quoted: bool) -> Word:
        """Parts up to what neither a quote nor a `plain` character begins."""
        parts: list[Part] = []
        while self._position < len(self._text):
            if text := self._taken(plain):
                parts.append(Text(text, quoted))
            elif (more := self._special(quoted=quoted)) is not None:
                parts += more
            else:
                break
        return tuple(parts)

    def _special(self, *, quoted: bool) -> list[Part] | None:
        """What a quote, a backslash or a dollar begins here; None where there is none."""
        here = self._text[self._position]
        if here == "\\":
            return self._escaped(quoted=quoted)
        if here == "$":
            return [self._dollar(quoted=quoted)]
        if here == "`":
            raise NotSimulatedError("backquotes")
        if quoted or here not in "'\"":
            return None
        self._position += 1
        if here == "'":
            return [Text(self._until("'"), quoted=True)]
        inside = self._word(_PLAIN_IN_QUOTES, quoted=True)
        self._close('"')
        return [*inside, Text("", quoted=True)]  # "" is a word, too

    def _escaped(self, *, quoted: bool) -> list[Part]:
        """A backslash and the character after it; before a line's end both are nothing."""
        following = self._text[self._position + 1 : self._position + 2]
        self._position += 2
        if following == "\n":
            return []
        if not following:
            return []
        if quoted and following not in '$`"\\':
            return [Text("\\" + following, quoted=True)]
        return [Text(following, quoted=True)]

    def _dollar(self, *, quoted: bool) -> Part:
        """A parameter, a substitution, a `$'…'`, or just a dollar."""
        if match := _PARAMETER.match(self._text, self._position):
            self._position = match.end()
            name = match[1] or match[2] or match[3]
            if not match[3]:
                return Parameter(name, quoted)
            return self._braces(name, match[4], quoted=quoted)
        ahead = self._text[self._position : self._position + 3]
        self._position += 1
        if ahead == "$((":
            raise NotSimulatedError("arithmetic")
        if ahead.startswith("$("):
            self._position += 1
            return Substitution(self._script(self), quoted)
        if ahead.startswith("$'") and not quoted:
            text, self._position = dollar_quoted(self._text, self._position + 1)
            return Text(text, quoted=True)
        if _SPECIAL_PARAMETER.match(ahead) or (ahead.startswith('$"') and not quoted):
            raise NotSimulatedError(f"{ahead[:2]} in a word")
        return Text("$", quoted)

    def _braces(self, name: str, operator: str | None, *, quoted: bool) -> Parameter:
        """The rest of `${NAME…}`."""
        if operator is None:
            if not self._text.startswith("}", self._position):
                raise NotSimulatedError(f"what follows ${{{name}")
            self._position += 1
            return Parameter(name, quoted)
        pattern, replacement = self._operand(slash=operator[0] == "/"), Word()
        if operator[0] == "/" and self._text.startswith("/", self._position):
            self._position += 1
            replacement = self._operand(slash=False)
        self._close("}")
        return Parameter(name, quoted, operator, pattern, replacement)

    def _operand(self, *, slash: bool) -> Word:
        """A word in braces, up to the `}` or, where one ends it, to the `/`."""
        parts = self._word(_PLAIN_IN_BRACES, quoted=False)
        while not slash and self._text.startswith("/", self._position):
            self._position += 1
            parts += (Text("/"), *self._word(_PLAIN_IN_BRACES, quoted=False))
        plain = [part.text for part in parts if isinstance(part, Text) and not part.quoted]
        if re.search(r"[|()]", "".join(plain)):
            raise NotSimulatedError("patterns with alternatives")
        return parts

    def _taken(self, pattern: re.Pattern[str]) -> str:
        """What matches here, which is then behind us; empty where nothing does."""
        match = pattern.match(self._text, self._position)
        self._position = match.end() if match else self._position
        return match[0] if match else ""

    def _until(self, quote: str) -> str:
        """Everything up to the quote, which is then behind us."""
        end = self._text.find(quote, self._position)
        if end < 0:
            raise ShellSyntaxError("no closing quote")
        text, self._position = self._text[self._position : end], end + 1
        return text

    def _close(self, quote: str) -> None:
        if not self._text.startswith(quote, self._position):
            raise ShellSyntaxError("no closing quote")
        self._position += 1
