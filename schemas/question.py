"""What the hub asks a person, and what it may hear."""

from schemas.base import Value


class Option(Value):
    """One answer that is offered: how a person reads it, and what it stands for."""

    label: str
    value: str


class Question(Value):
    """Asked about one `place` of a command; `options` are offered, `words` says whether an answer
    in the person's own words is read too."""

    text: str
    place: str  # which argument, device or person it is about
    options: tuple[Option, ...] = ()
    words: bool = False
