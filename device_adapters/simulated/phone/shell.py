"""The shell of the phone: mksh, with the commands the phone has."""

import stat
from collections.abc import Callable

from device_adapters.simulated.phone import am, cmd, content, dumpsys, toolbox
from device_adapters.simulated.phone.mksh import SHELL, Shell, filters
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
VARIABLES = {
    "EXTERNAL_STORAGE": "/sdcard",
    "HOME": "/",
    "PATH": "/product/bin:/system/bin:/vendor/bin",
    "PWD": "/",
    "SHELL": "/bin/sh",
    "TMPDIR": "/data/local/tmp",
    "USER": "shell",
}


def run(phone: Phone, line: str) -> Result:
    """Run a whole line; its outputs are those of all its commands, its code the last one's."""

    def program(words: Words, stdin: bytes) -> Result:
        def read(path: str) -> bytes:
            return stdin if path == "-" else _file(phone, path)

        name = words[0].removeprefix("/system/bin/")
        if name not in COMMANDS and name not in filters.FILTERS:
            return _missing(phone, words[0])
        phone.commands.append(tuple(words))
        if name in COMMANDS:
            return _command(phone, name, words[1:])
        try:
            return filters.run(name, words[1:], read)
        except OSError as exc:
            return complain(f"{name}: {exc}")

    return Shell(program, phone.files, dict(VARIABLES)).run(line)


def _command(phone: Phone, name: str, words: Words) -> Result:
    """One of the phone's own commands; a number that is none ends as in Java."""
    try:
        return COMMANDS[name](phone, words)
    except ValueError as exc:
        return complain(f"Error: java.lang.NumberFormatException: {exc}", 255)


def _missing(phone: Phone, name: str) -> Result:
    """What mksh says of a name that is no command."""
    entry = phone.files.stat(name) if "/" in name else None
    if not name or (entry and stat.S_ISDIR(entry.mode)):
        return complain(f"{SHELL}: {name}: can't execute: Is a directory", 126)
    if entry:
        return complain(f"{SHELL}: {name}: can't execute: Permission denied", 126)
    return complain(f"{SHELL}: {name}: inaccessible or not found", 127)


def _file(phone: Phone, path: str) -> bytes:
    try:
        return phone.files.read(path)
    except FileNotFoundError as exc:
        raise FileNotFoundError(f"{path}: {exc}") from exc
