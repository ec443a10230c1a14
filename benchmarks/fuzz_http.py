"""Requests made from the API's own description, sent to a real server in front of a scripted hub.

    python -m benchmarks.fuzz_http [--json] [--requests 10000] [--seed 0]

Half of them are such as the description allows, half are not. No answer may be a 5xx, none may be
missing, and each has to be one that the description knows. Exits with 1 where that does not hold.
"""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from pathlib import Path

from orchestrator.admission import Limits
from orchestrator.catalogue import Catalogue
from orchestrator.settings import PACKAGED
from tests.apikit import served
from tests.httpfuzz import Found, found_at

TOKENS = 64
"""So many that the rate of one is never in the way."""
SHOWN = 20
WITHOUT_BOUND = Limits(a_minute=10**9, burst=10**9, under_way=10**6)


class Model(dict[str, str]):
    """Writes something for every sentence."""

    def __missing__(self, sentence: str) -> str:
        kinds = ("<nexa_0>('front')<nexa_end>", "<nexa_20>()<nexa_end>", "", "no call")
        return kinds[len(sentence) % len(kinds)]


async def found_in(count: int, seed: int) -> Found:
    """What came of so many requests."""
    catalogue = Catalogue.load(PACKAGED / "functions")
    with tempfile.TemporaryDirectory() as folder:
        async with served(Path(folder), catalogue, Model(), limits=WITHOUT_BOUND) as hub:
            tokens = [hub.tokens.issue("ann") for _ in range(TOKENS)]
            return await found_at(hub.at, tokens, count, seed)


def main() -> int:
    """Run it and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    began = time.perf_counter()
    found = asyncio.run(found_in(asked.requests, asked.seed))
    said = {
        "requests": found.requests,
        "crashes and 5xx": found.crashes,
        "complaints": len(found.complaints),
        "statuses": dict(sorted(found.statuses.items())),
        "seconds": round(time.perf_counter() - began),
    }
    print(json.dumps(said) if asked.json else "\n".join(f"{k}: {v}" for k, v in said.items()))
    for complaint in found.complaints[:SHOWN]:
        print(complaint, file=sys.stderr)
    return 1 if found.crashes or found.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
