"""What a phone's shell said, and how failure reads in its words."""

import re
from dataclasses import dataclass

from schemas.errors import DeviceRefused

KILLED = range(129, 193)
"""Exit codes that stand for signals; 255 is a command's own -1."""

LONGEST_COMPLAINT = 300

READ = 64 * 1024
"""Characters at the beginning and at the end of an output in which failure is looked for: all of a
large one would hold the loop."""

_FAILURE = re.compile(
    r"""^(?:
        (?i:error)\b.*                                # am, content, uiautomator
      | \[E(?:RROR)?\].*                              # content, cmd media_session
      | (?:[a-z]\w*\.)+[A-Z]\w*(?:Exception|Error)\b.*
      | (?i:security\ exception).* | Permission\ Denial:.*
      | (?:cmd:\ )?(?:Can't\ find\ service|Failure\ calling\ service).* | Failure\ \[.*
      | No\ shell\ command\ implementation.*
      | Unknown\ (?:command|option).* | Invalid\ .* | Bad\ .*
      | (?:[EW]:\ )?/system/bin/sh:.* | .*:\ (?:inaccessible\ or\ )?not\ found
      | Killed | Terminated | Aborted | Bus\ error | Segmentation\ fault
      | (?P<vague>(?i:usage:).* | Exception\ occurred\ while\ executing.*)
    )\s*$""",
    re.MULTILINE | re.VERBOSE,
)
"""Lines of the phone's own that mean failure; the vague ones only where no other says more.
Android's `Warning: Activity not started, …` is none: what was asked for is in front."""


class MalformedAnswerError(Exception):
    """What came is cut short, wrong or endless."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A command's two outputs and its exit code."""

    stdout: str
    stderr: str
    code: int

    def complaint(self, *, trusted: bool = True) -> str | None:
        """What went wrong, in one line; None where nothing did.

        Exit status is not success on Android, so the text is read as well: stdout only where it is
        the phone's own words (`trusted`), not somebody's contact or message.
        """
        said = _ends(self.stderr) + ("\n" + _ends(self.stdout) if trusted else "")
        failures = sorted(_FAILURE.finditer(said), key=lambda match: bool(match["vague"]))
        if failures:
            return failures[0][0].strip()[:LONGEST_COMPLAINT]
        if self.code:
            first = said.strip().partition("\n")[0]
            return first.strip()[:LONGEST_COMPLAINT] or f"exit code {self.code}"
        return None

    def accepted(self, *, trusted: bool = True) -> str:
        """The standard output; raises `DeviceRefused` with the phone's complaint."""
        if complaint := self.complaint(trusted=trusted):
            raise DeviceRefused(f"the phone said: {complaint}")
        return self.stdout


def _ends(text: str) -> str:
    """The text's beginning and end."""
    return text if len(text) <= 2 * READ else f"{text[:READ]}\n{text[-READ:]}"
