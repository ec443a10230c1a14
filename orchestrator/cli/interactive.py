"""`octopus send` without a sentence: one after another, typed at a prompt or read from a file."""

import sys
from collections.abc import Callable, Iterator

import typer

from orchestrator.cli.output import Status, exit_of, failed, say
from orchestrator.client import NoHub
from schemas.errors import HubError
from schemas.execution import RunState

PROMPT = "octopus> "
HINT = "Say what is to be done. Ctrl-D ends, Ctrl-C stops following a command."
Say = Callable[[str], RunState]


def talk(send: Say, *, as_json: bool) -> Status:
    """Send what a person types until they end it, or else each line that is read: then it is only
    done where all of it is."""
    if sys.stdin.isatty() and sys.stdout.isatty() and not as_json:
        return _with_a_person(send)
    states = [_sent(send, line, as_json) for line in _lines()]
    if not states:
        raise typer.BadParameter("no sentence: give one, or a line for each on the standard input")
    return max(states)


def _sent(send: Say, sentence: str, as_json: bool) -> Status:
    """How one sentence went; one that is refused keeps no other from being sent."""
    try:
        return Status(exit_of(send(sentence)).exit_code)
    except NoHub:
        raise
    except HubError as error:
        return failed(error, as_json=as_json)


def _lines() -> Iterator[str]:
    try:
        yield from filter(None, map(str.strip, sys.stdin))
    except UnicodeDecodeError as error:
        raise typer.BadParameter("what is read is no text in UTF-8") from error


def _with_a_person(send: Say) -> Status:
    say(HINT)
    for sentence in _typed():
        try:
            _sent(send, sentence, as_json=False)
        except NoHub as error:  # it may be there for the next
            failed(error, as_json=False)
        except KeyboardInterrupt:
            say("\nno longer followed: `octopus executions list` shows what becomes of it")
    return Status.DONE


def _typed() -> Iterator[str]:
    """Lines with a history that the arrow keys bring back; it is kept nowhere."""
    import readline  # noqa: F401 (from here on `input` has a history)

    while True:
        try:
            line = input(PROMPT).strip()
        except EOFError:
            print()  # noqa: T201
            return
        except KeyboardInterrupt:
            print()  # noqa: T201
            continue
        if line:
            yield line
