"""`sed`, with addresses, groups, and the commands d, h, p, s and x."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from device_adapters.simulated.phone.mksh import NotSimulatedError
from device_adapters.simulated.phone.mksh.posix_regex import translated

_PIECE = re.compile(
    r"""[;\s]*
    (?:/(?P<matching>(?:[^/\\\n]|\\.)+)/ | (?P<line>\d+|\$))?\s*
    (?:(?P<command>[dhpx{}])|s/(?P<old>(?:[^/\\\n]|\\.)+)/(?P<new>(?:[^/\\&\n]|\\[/&])*)/(?P<all>g?))
    [;\s]*""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One command, the lines it is for, and for `s` what becomes what."""

    command: str
    line: str | None
    matching: re.Pattern[str] | None
    old: re.Pattern[str] | None
    new: str
    everywhere: bool

    def meant(self, number: int, text: str, *, last: bool) -> bool:
        """Whether the step is for this line."""
        if self.matching:
            return bool(self.matching.search(text))
        return self.line is None or (last if self.line == "$" else number == int(self.line))

    def replaced(self, text: str) -> str:
        """What `s` makes of a line."""
        assert self.old
        return self.old.sub(lambda _: self.new, text, int(not self.everywhere))


def edited(script: str, lines: Sequence[str], *, extended: bool, quiet: bool) -> list[str]:
    """What the script makes of the lines; `quiet` says only what it prints."""
    steps = _read(script, extended=extended)
    said: list[str] = []
    held = ""
    for number, line in enumerate(lines, 1):
        text, deleted, skipped = line, False, 0
        for step in steps:
            if step.command == "}" or skipped:
                skipped += (step.command == "{") - (step.command == "}") if skipped else 0
                continue
            if not step.meant(number, text, last=number == len(lines)):
                skipped = int(step.command == "{")
                continue
            match step.command:
                case "d":
                    deleted = True
                    break
                case "h":
                    held = text
                case "x":
                    text, held = held, text
                case "p":
                    said.append(text)
                case "s":
                    text = step.replaced(text)
        if not quiet and not deleted:
            said.append(text)
    return said


def _read(script: str, *, extended: bool) -> list[Step]:
    """The script's steps; what is not read here is not simulated."""
    steps: list[Step] = []
    position = 0
    while position < len(script):
        match = _PIECE.match(script, position)
        if match is None:
            raise NotSimulatedError(f"sed {script[position:]}")
        position = match.end()
        old, matching = (
            re.compile(translated(text, extended=extended)) if text is not None else None
            for text in (match["old"], match["matching"])
        )
        new = re.sub(r"\\(.)", r"\1", match["new"] or "")
        command = match["command"] or "s"
        steps.append(Step(command, match["line"], matching, old, new, bool(match["all"])))
    return steps
