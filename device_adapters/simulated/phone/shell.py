"""The shell line: POSIX words, `;` `&&` `||`, and the commands the phone has.

Bare words hold what `shlex.quote` leaves bare. All else that is not quoted ($, backticks, globs,
pipes, redirections) is refused, so that a test with bad quoting fails loudly.
"""

import re
from collections.abc import Callable, Iterator

from device_adapters.simulated.phone import am, cmd, content, dumpsys, toolbox
from device_adapters.simulated.phone.result import Result, Words, complain
from device_adapters.simulated.phone.state import Phone

Run = Callable[[Phone, Words], Result]

COMMANDS: dict[str, Run] = {
    **toolbox.COMMANDS,
    "am": am.run,
    "cmd": cmd.run,
    "content": content.run,
    "dumpsys": dumpsys.run,
}
OPERATORS = (";", "&&", "||")

_TOKEN = re.compile(
    r"""(?P<space>[ \t]+)
      | (?P<operator>;|\n|&&|\|\|)
      | '(?P<single>[^']*)'
      | "(?P<double>(?:[^"\\$`]|\\.)*)"
      | \\(?P<escaped>.)
      | (?P<plain>[\w@%+=:,./-]+)
    """,
    re.VERBOSE | re.DOTALL,
)


class ShellSyntaxError(Exception):
    """The line is not one this shell reads."""


def run(phone: Phone, line: str) -> Result:
    """Run a whole line; its outputs are those of all its commands, its code the last one's."""
    stdout, stderr, code = b"", b"", 0
    try:
        for operator, words in commands(line):
            if (operator == "&&" and code) or (operator == "||" and not code):
                continue
            result = _run_one(phone, words)
            stdout, stderr, code = stdout + result.stdout, stderr + result.stderr, result.code
    except ShellSyntaxError as exc:
        return complain(f"/system/bin/sh: syntax error: {exc}", 2)
    return Result(stdout, stderr, code)


def _run_one(phone: Phone, words: Words) -> Result:
    command = COMMANDS.get(words[0])
    if command is None:
        return complain(f"/system/bin/sh: {words[0]}: inaccessible or not found", 127)
    phone.commands.append(tuple(words))
    try:
        return command(phone, words[1:])
    except ValueError as exc:
        return complain(f"Error: java.lang.NumberFormatException: {exc}", 255)


def commands(line: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a line, each with the operator before it."""
    operator, words = ";", list[str]()
    for token in _tokens(line):
        if token not in OPERATORS or isinstance(token, _Word):
            words.append(str(token))
            continue
        if words:
            yield operator, words
        elif token != ";":
            raise ShellSyntaxError(f"unexpected '{token}'")
        operator, words = token, []
    if words:
        yield operator, words
    elif operator != ";":
        raise ShellSyntaxError(f"nothing after '{operator}'")


class _Word(str):
    """A word, even if it reads like an operator."""


def _tokens(line: str) -> Iterator[str]:
    """Words as `_Word`, operators as plain `str`."""
    position, word = 0, None
    while position < len(line):
        match = _TOKEN.match(line, position)
        if match is None:
            raise ShellSyntaxError(f"unexpected or unsupported at {line[position:][:10]!r}")
        position = match.end()
        if match["space"] or match["operator"]:
            if word is not None:
                yield _Word(word)
            word = None
            if match["operator"]:
                yield match["operator"].replace("\n", ";")
        else:
            word = (word or "") + _piece(match)
    if word is not None:
        yield _Word(word)


def _piece(match: re.Match[str]) -> str:
    """What one quoted or plain piece stands for."""
    if (double := match["double"]) is not None:
        return re.sub(r'\\([$`"\\])|\\\n', lambda m: m[1] or "", double)
    if (escaped := match["escaped"]) is not None:
        return escaped.replace("\n", "")
    return match["single"] or match["plain"] or ""
