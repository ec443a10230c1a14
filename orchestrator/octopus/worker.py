"""The model's own process: sentences in on standard input, what was decoded out on standard output.

One JSON value a line. The first line in says which model (`Start`) and is answered by `READY`, or
by the `Problem` that keeps it from starting; each further line is a list of sentences, and
is answered by a list as long of `Decoded` or `Problem`.
"""

import ctypes
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import IO, Any

from orchestrator import logs
from orchestrator.catalogue import Catalogue
from orchestrator.octopus.engine import Decoder
from orchestrator.octopus.loading import load
from orchestrator.octopus.process import READY, Problem, Start
from schemas.errors import HubError

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve until standard input ends; the hub alone says when."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _end_with_the_hub()
    logs.start()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is no answer
    for line in _answers(sys.stdin.buffer):
        print(line, file=answers, flush=True)


def _end_with_the_hub() -> None:
    """Be killed when the hub is: one that hangs sees no end of its input, and keeps its memory."""
    with suppress(AttributeError):  # Linux only
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _answers(asked: IO[bytes]) -> Iterator[str]:
    if not (line := asked.readline()):
        return  # the hub is gone already
    start = Start.model_validate_json(line)
    logs.start(start.log.level, start.log.format)
    try:
        decoder = load(start.model, Catalogue(start.functions), start.embedded)
    except HubError as error:
        yield _problem(error).model_dump_json()
        return
    yield READY.decode()
    for line in asked:
        yield json.dumps([one.model_dump() for one in decoded(decoder, json.loads(line))])


def decoded(decoder: Decoder, sentences: Sequence[str]) -> list[Any]:
    """What was decoded of each sentence, or its problem: one that will not do costs no other."""
    if not sentences:
        return []
    try:
        return [*decoder.decode_all(sentences)]
    except HubError as error:
        if len(sentences) == 1:
            return [_problem(error)]
    return [one for sentence in sentences for one in decoded(decoder, [sentence])]


def _problem(error: HubError) -> Problem:
    return Problem(code=error.code, reason=str(error))


if __name__ == "__main__":
    main()
