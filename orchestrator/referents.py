"""What "it" means: the thing of the speaker's last command, in that sentence's own words; pure."""

import re

from orchestrator import decoder
from orchestrator.catalogue import Catalogue
from schemas.errors import MalformedCall
from schemas.execution import Execution
from schemas.function import ParameterType

WITHIN = 300.0
"""Seconds after a command during which "it" may mean its thing."""
_LEAD = (
    r"(?:(?:and|then|now|ok|okay|please|also|no|hey|just|can you|could you|would you|will you)"
    r"[ ,]+)*"
)
_VERB = (
    r"turn|switch|set|make|put|lock|unlock|open|close|shut|dim|brighten|raise|lower|start|stop"
    r"|pause|mute"
)
_IT = re.compile(
    rf"^(?P<lead>{_LEAD})(?P<verb>{_VERB})(?P<particle> (?:on|off|up|down))?"
    r" (?:it|that|them|this)\b(?P<rest>.*?)(?:,? again)?[.!?]*$",
    re.IGNORECASE,
)
_LONGEST = 60
"""Characters: in a longer sentence "it" is somebody's content, or means a word before it."""


def points_back(sentence: str) -> bool:
    """Whether a sentence's object is "it", with nothing before that it could mean."""
    return len(sentence) <= _LONGEST and _IT.match(sentence.strip()) is not None


def resolved(sentence: str, last: Execution, catalogue: Catalogue) -> str | None:
    """The sentence with words for "it"; None where the last command was about no one thing."""
    found, thing = _IT.match(sentence.strip()), _thing(last, catalogue)
    if found is None or thing is None:
        return None
    return f"{found['verb']} {thing}{found['particle'] or ''}{found['rest']}"


def _thing(last: Execution, catalogue: Catalogue) -> str | None:
    """What the last command was about: what it named, else what its function is about."""
    try:
        calls = decoder.read(last.model_text, catalogue)
    except MalformedCall:  # an undo has no text, and a function may be gone
        return None
    if len(calls) != 1:
        return None
    function = catalogue[calls[0].function]
    for parameter, value in zip(function.parameters, calls[0].arguments, strict=True):
        if parameter.type is ParameterType.ENTITY and isinstance(value, str):
            return value
    return function.about or None
