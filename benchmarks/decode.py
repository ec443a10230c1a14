"""How fast sentences are decoded, next to how it is done elsewhere: same weights, same calls.

    python -m benchmarks.decode [--quick] [--json] [--utterances DIR] [--large] [--retrieval]

Without options: the embedded weights on one thread. `--quick` takes fewer sentences; `--utterances`
the development set's instead of those in `tests/sentences`. `--large` adds weights of the published
2B shape (12 GiB of memory, minutes), `--retrieval` besides a 7B shape with descriptions in the
prompt (20 GiB, minutes); see `large.py`. `--plot` draws it. Run it where nothing else runs.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from safetensors.torch import load_file
from transformers import GemmaConfig, GemmaForCausalLM

from benchmarks.timing import Figure, timed
from orchestrator import decoder
from orchestrator.catalogue import Catalogue
from orchestrator.octopus.embedded import EmbeddedModel, Pointing
from orchestrator.octopus.engine import Engine, Floats
from orchestrator.octopus.grammar import Grammar, Vocabulary
from orchestrator.octopus.manifest import TOKENIZER, WEIGHTS, manifest_of
from orchestrator.octopus.process import ModelProcess, Start
from orchestrator.octopus.prompt import PUBLISHED, QUERY
from orchestrator.octopus.tokenizer import WordPieces
from orchestrator.octopus.words import Words
from orchestrator.settings import PACKAGED, Model
from orchestrator.tokens import END
from schemas.errors import MalformedCall
from training.export import TRAINABLE
from training.model import OctopusModel, Shape

ROOT = Path(__file__).parent.parent
DRAWS = 10_000
STARTS = 5
_SECONDS = {"ms": 0.001, "s": 1.0}
_TOKEN = re.compile(r"<nexa_\w+>|\('?|'?, '?|'?\)|;|[^\s(),;'<>]+")
"""About what a tokenizer like Gemma's makes of a call."""


def milliseconds(seconds: Sequence[float], percent: int = 50) -> float:
    """A percentile."""
    return float(np.percentile(seconds, percent)) * 1000


class Plain:
    """The embedded weights in full precision and PyTorch; every step starts from nothing."""

    def __init__(self, catalogue: Catalogue) -> None:
        manifest = manifest_of(WEIGHTS, TRAINABLE)
        self._model = OctopusModel(Shape(**manifest.shape)).eval()
        rows = load_file(WEIGHTS / TRAINABLE)
        self._model.load_state_dict(rows)
        self._grammar = Grammar(catalogue, Vocabulary(manifest.actions, manifest.slots))
        self._pieces = WordPieces(WEIGHTS / TOKENIZER)

    def decode(self, sentence: str, *, jump: bool) -> str:
        """The text; without `jump`, a token that the grammar forces costs a step like any other."""
        words = self._pieces(sentence)
        derivation = self._grammar.start()
        before, slots = [self._grammar.vocabulary.action_ids[END]], []
        while derivation.slot is not None:
            slots.append(derivation.slot)
            scores = self._scores(words, before, slots)
            before.append(int(np.where(derivation.open(words), scores, -np.inf).argmax()))
            derivation.take(before[-1], words)
        for _ in range(0 if jump else len(_TOKEN.findall(derivation.text())) - len(slots)):
            self._scores(words, before[:-1], slots)
        return derivation.text()

    @torch.inference_mode()
    def _scores(self, words: Words, before: list[int], slots: list[int]) -> Floats:
        seen = torch.ones(1, len(words.ids), dtype=torch.bool)
        pieces, choices, filled = (torch.tensor([ids]) for ids in (words.ids, before, slots))
        scores: Floats = self._model(pieces, seen, choices, filled)[0, -1].numpy()
        return scores


class SameSize:
    """transformers' generate with a Gemma of as many parameters, that knows nothing: as many tokens
    in as the published prompt has, as many out as the calls."""

    def __init__(self) -> None:
        torch.manual_seed(1)
        shape = {"hidden_size": 384, "intermediate_size": 1536, "num_hidden_layers": 7,
                 "num_attention_heads": 6, "num_key_value_heads": 6, "head_dim": 64}  # fmt: skip
        self._model = GemmaForCausalLM(GemmaConfig(vocab_size=30522, **shape)).eval()
        self.parameters = sum(part.numel() for part in self._model.parameters())

    @torch.inference_mode()
    def generate(self, prompt: int, written: int) -> None:
        """`prompt` tokens in, `written` out, greedily."""
        ids = torch.randint(5, 30000, (1, prompt))
        self._model.generate(ids, max_new_tokens=written, min_new_tokens=written, do_sample=False)


class Dice(EmbeddedModel):
    """The embedded model's tokenizer and grammar, with scores that mean nothing."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__(catalogue)
        self._random = np.random.default_rng(1)

    def probabilities(self, derivations: Sequence[Pointing]) -> list[Floats]:
        """Random ones of what may be chosen."""
        return [self._drawn(one) for one in derivations]

    def _drawn(self, one: Pointing) -> Floats:
        allowed = one.open()
        return np.where(allowed, self._random.random(len(allowed), np.float32) + 1e-6, 0)


def malformed(catalogue: Catalogue, sentences: Sequence[str], draws: int) -> int:
    """Of so many outputs with random scores, how many cannot be read back."""
    engine, bad = Engine(Dice(catalogue)), 0
    for at in range(draws):
        try:
            decoder.read(engine.decode(sentences[at % len(sentences)]).text, catalogue)
        except MalformedCall:
            bad += 1
    return bad


def embedded(catalogue: Catalogue, sentences: Sequence[str], console: Console) -> list[Figure]:
    """One thread each, taking turns sentence by sentence."""
    torch.set_num_threads(1)
    engine, plain, same = Engine(EmbeddedModel(catalogue)), Plain(catalogue), SameSize()
    pieces = WordPieces(WEIGHTS / TOKENIZER)
    asked = len(pieces(PUBLISHED.replace(QUERY, "")).ids)
    ours, jumping, plainly, generated, differ = [], [], [], [], 0
    for at, sentence in enumerate(sentences, 1):
        took, decoded = timed(engine.decode, sentence)
        ours.append(took)
        took, text = timed(plain.decode, sentence, jump=True)
        jumping.append(took)
        plainly.append(timed(plain.decode, sentence, jump=False)[0])
        differ += decoded.text != text
        if at % max(1, len(sentences) // 40) == 0:
            counts = asked + len(pieces(sentence).ids), len(_TOKEN.findall(text))
            generated.append(timed(same.generate, *counts)[0])
            console.print(f"  {at} of {len(sentences)} sentences", style="dim", highlight=False)
    median = milliseconds(ours)
    return [
        Figure("decode_p50", "our engine, embedded weights", median, "ms", "≤ 25"),
        Figure("decode_p99", "– 99th percentile", milliseconds(ours, 99), "ms", "≤ 60"),
        Figure("plain_p50", "PyTorch fp32, a pass a token", milliseconds(plainly), "ms"),
        Figure("plain_jump_p50", "PyTorch fp32, a pass a decision", milliseconds(jumping), "ms"),
        Figure("generate_p50", f"transformers generate, Gemma of {same.parameters / 1e6:.0f} M",
               milliseconds(generated), "ms"),
        Figure("speedup_over_plain", "faster than PyTorch, a pass a token",
               sum(plainly) / sum(ours), "×", "≥ 10"),
        Figure("speedup_over_jump", "– a pass a decision", sum(jumping) / sum(ours), "×"),
        Figure("speedup_over_generate", "faster than transformers generate",
               milliseconds(generated) / median, "×"),
        Figure("same_calls", "same text as fp32", 100 * (1 - differ / len(sentences)), "%", "≥ 99"),
    ]  # fmt: skip


def grammar_share(catalogue: Catalogue, sentences: Sequence[str]) -> Figure:
    """How much of decoding is the grammar: which choices are open, and what they write."""
    spent = 0.0

    class Watched(Pointing):
        def open(self) -> Any:
            nonlocal spent
            began = time.perf_counter()
            found = super().open()
            spent += time.perf_counter() - began
            return found

        def take(self, choice: int) -> None:
            nonlocal spent
            began = time.perf_counter()
            super().take(choice)
            spent += time.perf_counter() - began

    class Watching(EmbeddedModel):
        def start(self, sentence: str) -> Pointing:
            one = super().start(sentence)
            one.__class__ = Watched
            return one

    engine = Engine(Watching(catalogue))
    engine.decode_all(sentences[:5])
    spent = 0.0
    whole = sum(timed(engine.decode, sentence)[0] for sentence in sentences)
    return Figure("grammar_share", "of decoding, the grammar", 100 * spent / whole, "%", "≤ 5")


def first_calls(catalogue: Catalogue) -> list[Figure]:
    """From the start of the model's process to its first answer, and the memory it then holds."""
    start = Start(model=Model(), functions=tuple(catalogue), embedded=WEIGHTS).model_dump_json()
    seconds, resident = [], []
    for _ in range(STARTS):
        began = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "orchestrator.octopus.worker"], cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as worker:  # fmt: skip
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.write(f'{start}\n["take a selfie"]\n')
            worker.stdin.flush()
            assert worker.stdout.readline() == '"ready"\n'
            assert "<nexa_0>" in worker.stdout.readline()
            seconds.append(time.perf_counter() - began)
            status = Path(f"/proc/{worker.pid}/status").read_text(encoding="ascii")
            resident += [int(n) / 1024 for n in re.findall(r"VmRSS:\s+(\d+)", status)]
            worker.stdin.close()
    first = statistics.median(seconds)
    return [
        Figure("first_call_s", "process start to first call", first, "s", "≤ 1"),
        Figure("resident_mib", "the model's process, resident", max(resident), "MiB", "≤ 200"),
    ]  # fmt: skip


async def crossing(catalogue: Catalogue, sentences: Sequence[str]) -> Figure:
    """What it costs that the model is a process of its own: the sentence there, the text back."""
    engine, costs = Engine(EmbeddedModel(catalogue)), []
    start = Start(model=Model(), functions=tuple(catalogue), embedded=WEIGHTS)
    async with ModelProcess(start, deadline=30) as model:
        for sentence in sentences:
            began = time.perf_counter()
            await model.decode(sentence)
            there = time.perf_counter() - began
            costs.append(there - timed(engine.decode, sentence)[0])
    return Figure("crossing_p50", "to the model's process and back", milliseconds(costs), "ms")


def sentences_of(folder: Path | None, count: int) -> list[str]:
    """Evenly from the development set, or from the project's own sentences."""
    files = [folder / "dev.jsonl"] if folder else sorted((ROOT / "tests/sentences").glob("*.jsonl"))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return [json.loads(line)["q"] for line in lines[:: max(1, len(lines) // count)]][:count]


def drawn(figures: Sequence[Figure], file: Path) -> None:
    """How long each way takes, as a picture."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    took = [
        f
        for f in figures
        if f.unit in _SECONDS and re.search(r"_p50$|^large_|^retrieval_.b", f.key)
    ]
    took.sort(key=lambda figure: figure.value * _SECONDS[figure.unit], reverse=True)
    values = [figure.value * _SECONDS[figure.unit] for figure in took]
    picture, axes = pyplot.subplots(figsize=(9, 0.36 * len(took) + 0.9), layout="constrained")
    ours = ["#1a7f5a" if "engine" in figure.what else "#9aa5b1" for figure in took]
    bars = axes.barh([figure.what for figure in took], values, color=ours)
    axes.bar_label(bars, [f"{f.value:,.3g} {f.unit}" for f in took], padding=4)
    axes.set(xscale="log", xlabel="seconds a call, median", xlim=(min(values) / 2, max(values) * 6))
    axes.spines[["top", "right"]].set_visible(False)
    picture.savefig(file)


def shown(figures: Sequence[Figure], console: Console) -> None:
    """A table."""
    table = Table("what", "measured", "bar")
    for figure in figures:
        table.add_row(figure.what, f"{figure.value:,.3g} {figure.unit}", figure.bar)
    console.print(table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a hundred sentences")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--utterances", type=Path, help="folder with dev.jsonl")
    parser.add_argument("--large", action="store_true", help="the published 2B shape too")
    parser.add_argument("--retrieval", action="store_true", help="the 7B shape with retrieval too")
    parser.add_argument("--plot", type=Path, help="a picture (SVG)")
    arguments = parser.parse_args()
    console = Console(stderr=arguments.json)
    catalogue = Catalogue.load(PACKAGED / "functions")
    sentences = sentences_of(arguments.utterances, 100 if arguments.quick else 1_000_000)
    draws = DRAWS // 10 if arguments.quick else DRAWS
    console.print(f"{len(sentences)} sentences, {os.cpu_count()} processors")
    figures = embedded(catalogue, sentences, console)
    figures.append(grammar_share(catalogue, sentences[:500]))
    figures += first_calls(catalogue)
    figures.append(asyncio.run(crossing(catalogue, sentences[:300])))
    bad = malformed(catalogue, sentences[:50], draws)
    figures.append(Figure("malformed", f"malformed, of {draws} with random scores", bad, "", "0"))
    if arguments.large or arguments.retrieval:
        from benchmarks import large

        figures += large.measured(catalogue, console, retrieval=arguments.retrieval)
        figures += large.prompts(catalogue, sentences[:: max(1, len(sentences) // 200)])
    shown(figures, console)
    if arguments.plot:
        drawn(figures, arguments.plot)
    if arguments.json:
        print(json.dumps({figure.key: round(figure.value, 4) for figure in figures}))


if __name__ == "__main__":
    main()
