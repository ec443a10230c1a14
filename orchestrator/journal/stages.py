"""A command's trace as the journal keeps it: short, for it is written with every command; pure."""

from pydantic import TypeAdapter

from schemas.execution import Stage, StageName

_Kept = list[tuple[StageName, float, float, int | None]]
"""Name, seconds after the command came in, seconds, step."""
_kept: TypeAdapter[_Kept] = TypeAdapter(_Kept)


def written(stages: tuple[Stage, ...], created: float) -> str:
    """A trace as text; empty where there is none."""
    if not stages:
        return ""
    rows = [(one.name, round(one.at - created, 5), one.seconds, one.step) for one in stages]
    return _kept.dump_json(rows).decode()


def read(text: str, created: float) -> tuple[Stage, ...]:
    """The inverse, to the tenth part of a millisecond; ValueError where it is no trace."""
    if not text:
        return ()
    return tuple(
        Stage(name=name, at=round(created + after, 4), seconds=seconds, step=step)
        for name, after, seconds, step in _kept.validate_json(text)
    )
