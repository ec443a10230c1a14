"""The published 2B shape: the article's snippet, our engine, and retrieval with a general model.

Nobody has the published weights here, so a small Gemma learns a few requests with the calls that
their authors want and the description that the published weights go on with, and is laid into the
2B shape number by number: the further layers add nothing, and cost what layers cost. So the snippet
and the engine run the same weights and write the same calls.
"""

import copy
import gc
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from rich.console import Console
from tokenizers import Tokenizer
from torch import nn
from transformers import GemmaConfig, GemmaForCausalLM, LlamaConfig, LlamaForCausalLM

from benchmarks.decode import Figure, timed
from benchmarks.retrieval import Retrieval, described
from orchestrator.catalogue import Catalogue
from orchestrator.octopus.embedded import EmbeddedModel, Pointing
from orchestrator.octopus.engine import Engine
from orchestrator.octopus.folder import WeightsFolder
from orchestrator.octopus.gemma import Gemma, Precision, Segment
from orchestrator.octopus.prompt import PUBLISHED, QUERY
from orchestrator.octopus.published import Draft, PublishedModel, Spelling
from orchestrator.tokens import END, functional, literal
from tests import gemmakit
from training import rows

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ROOT = Path(__file__).parent.parent
THREADS = 2
REQUESTS = 8
RUN_ON = 2
"""Requests after which the snippet may go on: each takes half a minute."""
LEARN = 200
WRITES = 30
"""Tokens of JSON that a general model writes for a call."""
_SMALL = {"hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 2,
          "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 256}  # fmt: skip
_LARGE = _SMALL | {"hidden_size": 2048, "intermediate_size": 16384, "num_hidden_layers": 18,
                   "num_attention_heads": 8}  # fmt: skip


def requests(catalogue: Catalogue) -> list[tuple[str, str]]:
    """Sentences of the project's own, each of another published function, with the call wanted."""
    found: dict[str, tuple[str, str]] = {}
    for name in ("polite", "short"):
        for row in rows.load(ROOT / f"tests/sentences/{name}.jsonl"):
            call = row["call"][0]
            known = call["name"] in catalogue and call["name"] not in found
            if known and all(isinstance(v, str) for v in call["args"].values()) and call["args"]:
                function = catalogue[call["name"]]
                values = [call["args"].get(p.name, p.default) for p in function.parameters]
                written = ", ".join(map(literal, values))
                text = f"{functional(function.token)}({written}){END}"
                after = f"\n\nFunction description: \n{described(function)}\n"
                found[call["name"]] = (row["q"], text + after)
    return list(found.values())[:REQUESTS]


def widened(small: GemmaForCausalLM) -> GemmaForCausalLM:
    """The same function in the published 2B shape, bf16.

    A norm over more numbers, most of them 0, makes the others larger, and so does the factor that
    Gemma gives its embeddings; both are taken back in the norms and in the embeddings.
    """
    config = GemmaConfig(vocab_size=gemmakit.VOCABULARY, **_LARGE)
    with torch.device("meta"):
        large = GemmaForCausalLM(config)
    large.to(torch.bfloat16).to_empty(device="cpu")
    large.model.rotary_emb = small.model.rotary_emb
    large.model.embed_tokens.embed_scale.fill_(config.hidden_size**0.5)
    wider = (config.hidden_size / small.config.hidden_size) ** 0.5
    state = small.state_dict()
    for name, part in large.named_parameters():
        nn.init.normal_(part, std=0.02)  # what a further layer makes …
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            part.data.zero_()  # … is not added
        if name in state:
            learned = state[name].float()
            if "norm" in name and name != "model.norm.weight":
                learned = (1 + learned) / wider - 1
            if "embed" in name:
                learned = learned / wider
            part.data.zero_()
            part.data[tuple(slice(0, size) for size in learned.shape)] = learned.to(part.dtype)
    large.tie_weights()
    return large.eval()


class Snippet:
    """The article's ten lines; with `stop`, it ends at the end token, as they do not."""

    def __init__(self, model: GemmaForCausalLM, pieces: Tokenizer, *, stop: bool) -> None:
        self._model, self._pieces = model, pieces
        self._ends = [gemmakit.EOS, *([pieces.token_to_id(END)] if stop else [])]

    @torch.inference_mode()
    def decode(self, sentence: str) -> str:
        """The call, and how many tokens were written."""
        asked = self._pieces.encode(PUBLISHED.replace(QUERY, sentence), add_special_tokens=False)
        ids = torch.tensor([[gemmakit.BOS, *asked.ids]])
        told = self._model.generate(
            ids, attention_mask=torch.ones_like(ids), max_length=1024, do_sample=False,
            eos_token_id=self._ends, pad_token_id=0,
        )  # fmt: skip
        text = self._pieces.decode(told[0, ids.shape[1] :].tolist(), skip_special_tokens=False)
        return text.partition(END)[0].strip() + END


class Watched(Gemma):
    """Counts its passes over the weights."""

    passes = 0

    def read(self, segments: Sequence[Segment]) -> list[torch.Tensor]:
        """See `Gemma`."""
        self.passes += 1
        return super().read(segments)


def bandwidth() -> float:
    """Bytes a second that the processors read, with a sum over a gibibyte."""
    block = torch.ones(1 << 28)
    return block.nbytes / min(timed(block.sum) for _ in range(5))


def measured(catalogue: Catalogue, console: Console, *, retrieval: bool) -> list[Figure]:
    """Every way with two threads; medians over the requests."""
    torch.set_num_threads(THREADS)
    published = catalogue.only(range(gemmakit.FUNCTIONS))
    asked = requests(published)
    console.print(f"a small Gemma learns {len(asked)} requests")
    small, pieces = gemmakit.trained(asked, LEARN, **_SMALL)
    model = widened(small)
    own = Engine(EmbeddedModel(catalogue))
    figures, ours = _decoding(model, pieces, published, asked, own, console)
    if retrieval:
        figures += _retrieving(model, catalogue, [sentence for sentence, _ in asked], ours, console)
    return figures


def _decoding(
    model: GemmaForCausalLM,
    pieces: Tokenizer,
    catalogue: Catalogue,
    asked: list[tuple[str, str]],
    own: Engine[Pointing],
    console: Console,
) -> tuple[list[Figure], float]:
    """The figures, and the seconds that the int8 engine takes for a call."""
    sentences = [sentence for sentence, _ in asked]
    seconds: dict[str, list[float]] = {}
    texts: dict[str, list[str]] = {}

    def run(name: str, decode: Callable[[str], str], count: int = REQUESTS) -> None:
        console.print(f"  {name}", style="dim")
        texts[name], seconds[name] = [], []
        for sentence in sentences[:count]:
            took = timed(lambda s=sentence: texts[name].append(decode(s)))
            seconds[name].append(took)

    run("snippet", Snippet(model, pieces, stop=False).decode, RUN_ON)
    run("snippet, stopping", Snippet(model, pieces, stop=True).decode)
    folder = WeightsFolder(Path(), pieces, frozenset(range(gemmakit.FUNCTIONS)), 0)
    passes: dict[str, float] = {}
    floors: list[Figure] = []
    precisions: tuple[Precision, ...] = ("bf16", "int8")
    for precision in precisions:
        gemma = Watched.of(copy.deepcopy(model), precision)
        drafts: dict[str, Draft | None] = {"": lambda s: own.decode(s).text, ", no draft": None}
        for how, draft in drafts.items():
            ours = PublishedModel("2B", folder, gemma, catalogue, draft=draft)
            gemma.passes = 0
            run(f"engine {precision}{how}", lambda s, e=Engine(ours): e.decode(s).text)
            passes[f"engine {precision}{how}"] = gemma.passes / len(sentences)
        floors.append(_floor(gemma, precision))
        del gemma, ours
        gc.collect()
    fast = seconds["engine int8"]
    same = sum(a == b for a, b in zip(texts["snippet, stopping"], texts["engine int8"], strict=True))
    right = sum(t == w.partition("\n")[0] for t, (_, w) in zip(texts["snippet, stopping"], asked, strict=True))
    times = [
        Figure(f"large_{name}", f"2B shape: {name}"
               + (f" ({passes[name]:.1f} passes)" if name in passes else ""),
               statistics.median(some), "s")
        for name, some in seconds.items()
    ]  # fmt: skip
    return [
        *times,
        Figure("large_speedup", "int8 engine faster than the bf16 snippet", _ratio(seconds["snippet"], fast), "×", "≥ 8"),
        Figure("large_speedup_stopping", "– than one that stops", _ratio(seconds["snippet, stopping"], fast), "×", "≥ 8"),
        Figure("large_same", "same calls as the snippet", 100 * same / len(sentences), "%"),
        Figure("large_learned", "the snippet's calls as wanted", 100 * right / len(sentences), "%"),
        *floors,
    ], statistics.median(fast)  # fmt: skip


def _ratio(slow: Sequence[float], fast: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(slow, fast, strict=False))


def _floor(gemma: Gemma, precision: str) -> Figure:
    """How near a step of one token is to the time in which its weights come from memory."""
    config = gemma.config
    head = config.num_attention_heads + config.num_key_value_heads
    weights = config.num_hidden_layers * config.hidden_size * (
        2 * head * config.head_dim + 3 * config.intermediate_size
    )  # fmt: skip
    size = weights * (1 if precision == "int8" else 2)
    past = gemma.past()
    gemma.read([Segment(past, [5] * 40)])
    shares = []
    for _ in range(7):
        floor = size / bandwidth()
        past.length = 40
        shares.append(floor / timed(lambda: gemma.read([Segment(past, [5])])))
    return Figure(f"floor_{precision}", f"2B shape, {precision}: a step's share of memory bandwidth",
                  100 * statistics.median(shares), "%", "≥ 60" if precision == "int8" else "")  # fmt: skip


def _retrieving(
    model: GemmaForCausalLM, catalogue: Catalogue, sentences: list[str], ours: float,
    console: Console,
) -> list[Figure]:  # fmt: skip
    """One request each: a pass over a thousand tokens takes a minute."""
    retrieval = Retrieval(catalogue)
    counted = [_counted(retrieval, sentence) for sentence in sentences]
    prompt, five, everything = (statistics.mean(column) for column in zip(*counted, strict=True))
    console.print("  2B shape, five descriptions in the prompt", style="dim")
    same = _generating(model, retrieval, sentences[0])
    del model
    gc.collect()
    console.print("  a 7B shape is made", style="dim")
    llama = _llama()
    size = sum(part.nbytes for part in llama.parameters()) / (1 << 30)
    console.print("  7B shape, five descriptions in the prompt", style="dim")
    general = _generating(llama, retrieval, sentences[0])
    return [
        Figure("retrieval_2b_s", "2B shape bf16, five descriptions", same, "s"),
        Figure("retrieval_7b_s", f"7B shape bf16 ({size:.1f} GiB), five descriptions", general, "s"),
        Figure("retrieval_speedup", "int8 engine faster than that", general / ours, "×", "≥ 60"),
        Figure("prompt_tokens", "tokens of our prompt", prompt, ""),
        Figure("fewer_than_five", "fewer tokens than with five descriptions", 100 * (1 - prompt / five), "%", "≥ 92"),
        Figure("fewer_than_all", "fewer than with all", 100 * (1 - prompt / everything), "%", "≥ 97"),
    ]  # fmt: skip


def _counted(retrieval: Retrieval, sentence: str) -> tuple[int, int, int]:
    """Tokens of our prompt, with five descriptions, with all."""
    texts = (
        PUBLISHED.replace(QUERY, sentence),
        retrieval.prompt(sentence),
        retrieval.prompt(sentence, len(retrieval.texts)),
    )
    ours, five, everything = (len(retrieval.tokens(text)) for text in texts)
    return ours, five, everything


@torch.inference_mode()
def _generating(model: "PreTrainedModel", retrieval: Retrieval, sentence: str) -> float:
    """Seconds from the sentence to the last of `WRITES` tokens, the retrieval included."""

    def call() -> None:
        ids = torch.tensor([retrieval.tokens(retrieval.prompt(sentence))])
        model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=WRITES,
            min_new_tokens=WRITES, do_sample=False, pad_token_id=0,
        )  # fmt: skip

    return timed(call)


def _llama() -> LlamaForCausalLM:
    """Llama-7B's shape, with numbers that mean nothing."""
    with torch.device("meta"):
        model = LlamaForCausalLM(LlamaConfig())
    rotary = type(model.model.rotary_emb)(config=model.config)
    model.to(torch.bfloat16).to_empty(device="cpu")
    model.model.rotary_emb = rotary
    noise = torch.randn(1 << 20).mul_(0.02).to(torch.bfloat16)
    for part in model.parameters():
        for piece in part.data.view(-1).split(len(noise)):
            piece.copy_(noise[: len(piece)])
    return model.eval()
