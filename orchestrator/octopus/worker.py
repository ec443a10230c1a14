"""The model's own process: sentences in on standard input, what was decoded out on standard output.

One JSON value a line. The first line in says which model (`Start`) and is answered by what it is
called, or by the error that keeps it from starting; each further line is a list of sentences, and
is answered by a list as long of `Decoded` or `Problem`.
"""

import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import IO, Any

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.clauses import Decoder
from orchestrator.octopus.loading import load
from orchestrator.octopus.process import READY, Problem, Start
from schemas.errors import HubError


def main() -> None:
    """Serve until standard input ends; the hub alone says when."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is no answer
    for line in _answers(sys.stdin.buffer):
        print(line, file=answers, flush=True)


def _answers(asked: IO[bytes]) -> Iterator[str]:
    start = Start.model_validate_json(asked.readline())
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
