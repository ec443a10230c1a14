"""The published 2B shape: the article's snippet, our engine, and retrieval with a general model.

Nobody has the published weights here, so a small Gemma learns a few requests with the calls that
their authors want and the description that the published weights go on with, and is laid into the
2B shape number by number: the further layers add nothing, and cost what layers cost. So the snippet
and the engine run the same weights and write the same calls.
"""

import copy
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from rich.console import Console
from tokenizers import Tokenizer
from torch import nn
from transformers import GemmaConfig, GemmaForCausalLM, LlamaConfig, LlamaForCausalLM

from benchmarks.retrieval import Retrieval, described, schema
from benchmarks.timing import Figure, timed
from orchestrator.catalogue import Catalogue
from orchestrator.octopus.embedded import EmbeddedModel
from orchestrator.octopus.engine import Engine
from orchestrator.octopus.folder import WeightsFolder
from orchestrator.octopus.gemma import Gemma, Precision, Segment
from orchestrator.octopus.prompt import PUBLISHED, QUERY
from orchestrator.octopus.published import Draft, PublishedModel
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
STOPPING = "snippet that stops"
WRITES = 30
"""Tokens of JSON that a general model writes for a call."""
_PRECISIONS: tuple[Precision, ...] = ("bf16", "int8")
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
        """The call."""
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
    return block.nbytes / min(timed(block.sum)[0] for _ in range(5))


def measured(catalogue: Catalogue, console: Console, *, retrieval: bool) -> list[Figure]:
    """Every way with two threads; medians over the requests."""
    torch.set_num_threads(THREADS)
    asked = requests(catalogue.only(range(gemmakit.FUNCTIONS)))
    console.print(f"a small Gemma learns {len(asked)} requests")
    small, pieces = gemmakit.trained(asked, LEARN, **_SMALL)
    model = widened(small)
    ways = Ways([sentence for sentence, _ in asked], console)
    ways.run("snippet", Snippet(model, pieces, stop=False).decode, RUN_ON)
    ways.run(STOPPING, Snippet(model, pieces, stop=True).decode)
    floors = [_engine(ways, model, pieces, catalogue, precision) for precision in _PRECISIONS]
    wanted = [text.partition("\n")[0] for _, text in asked]
    figures = [*ways.figures(), *_compared(ways, wanted), *floors]
    if retrieval:
        ours = statistics.median(ways.seconds["engine int8"])
        figures += _retrieving(model, catalogue, ways.sentences[0], ours, console)
    return figures


class Ways:
    """What each way of decoding took, and what it wrote."""

    def __init__(self, sentences: list[str], console: Console) -> None:
        self.sentences = sentences
        self.seconds: dict[str, list[float]] = {}
        self.texts: dict[str, list[str]] = {}
        self.passes: dict[str, float] = {}
        self._console = console

    def run(self, name: str, decode: Callable[[str], str], count: int = REQUESTS) -> None:
        """The first `count` sentences, one after the other."""
        self._console.print(f"  2B shape: {name}", style="dim", highlight=False)
        told = [timed(decode, sentence) for sentence in self.sentences[:count]]
        self.seconds[name] = [took for took, _ in told]
        self.texts[name] = [text for _, text in told]

    def figures(self) -> list[Figure]:
        """The medians."""
        passes = {name: f", {count:.1f} passes" for name, count in self.passes.items()}
        return [
            Figure(f"large_{name}", f"2B shape: {name}{passes.get(name, '')}",
                   statistics.median(took), "s")
            for name, took in self.seconds.items()
        ]  # fmt: skip

    def times_faster(self, slow: str, fast: str) -> float:
        """The median over the sentences of both."""
        pairs = zip(self.seconds[slow], self.seconds[fast], strict=False)
        return statistics.median(a / b for a, b in pairs)


def _engine(
    ways: Ways, model: GemmaForCausalLM, pieces: Tokenizer, catalogue: Catalogue,
    precision: Precision,
) -> Figure:  # fmt: skip
    """Our engine, with and without the embedded model's drafts; how near a pass is to its floor."""
    own = Engine(EmbeddedModel(catalogue))
    known = catalogue.only(range(gemmakit.FUNCTIONS))
    folder = WeightsFolder(Path(), pieces, frozenset(range(gemmakit.FUNCTIONS)), 0)
    gemma = Watched.of(copy.deepcopy(model), precision)
    drafts: dict[str, Draft | None] = {"": lambda s: own.decode(s).text, ", no draft": None}
    for how, draft in drafts.items():
        engine = Engine(PublishedModel("2B", folder, gemma, known, draft=draft))
        gemma.passes, name = 0, f"engine {precision}{how}"
        ways.run(name, lambda sentence, e=engine: e.decode(sentence).text)
        ways.passes[name] = gemma.passes / len(ways.sentences)
    return _floor(gemma, precision)


def _compared(ways: Ways, wanted: list[str]) -> list[Figure]:
    stopping, ours = ways.texts[STOPPING], ways.texts["engine int8"]
    same = sum(a == b for a, b in zip(stopping, ours, strict=True))
    right = sum(a == b for a, b in zip(stopping, wanted, strict=True))
    return [
        Figure("large_speedup", "int8 engine faster than the bf16 snippet",
               ways.times_faster("snippet", "engine int8"), "×", "≥ 8"),
        Figure("large_speedup_stopping", "– than the snippet that stops",
               ways.times_faster(STOPPING, "engine int8"), "×", "≥ 8"),
        Figure("large_same", "same calls as the snippet", 100 * same / len(ours), "%"),
        Figure("large_learned", "calls as the requests want them", 100 * right / len(ours), "%"),
    ]  # fmt: skip


def _floor(gemma: Gemma, precision: Precision) -> Figure:
    """How near a pass over one token is to the time in which its weights come from memory."""
    config = gemma.config
    heads = config.num_attention_heads + config.num_key_value_heads
    layer = config.hidden_size * (2 * heads * config.head_dim + 3 * config.intermediate_size)
    size = config.num_hidden_layers * layer * (1 if precision == "int8" else 2)
    past = gemma.past()
    gemma.read([Segment(past, [5] * 40)])
    shares = []
    for _ in range(7):
        floor = size / bandwidth()
        past.length = 40
        shares.append(floor / timed(gemma.read, [Segment(past, [5])])[0])
    return Figure(
        f"floor_{precision}", f"2B shape, {precision}: a pass's share of memory bandwidth",
        100 * statistics.median(shares), "%", "≥ 60" if precision == "int8" else "",
    )  # fmt: skip


def _retrieving(
    model: GemmaForCausalLM, catalogue: Catalogue, sentence: str, ours: float, console: Console
) -> list[Figure]:
    """One request each: the way takes the better part of a minute."""
    retrieval = Retrieval(catalogue)
    console.print("  2B shape: five descriptions in the prompt", style="dim")
    same = _generating(model, retrieval, sentence)
    console.print("  7B shape: five descriptions in the prompt", style="dim")
    llama = _llama()
    size = sum(part.nbytes for part in llama.parameters()) / (1 << 30)
    general = _generating(llama, retrieval, sentence)
    return [
        Figure("retrieval_2b", "2B shape bf16, five descriptions in the prompt", same, "s"),
        Figure("retrieval_7b", f"7B shape bf16, {size:.1f} GiB, five descriptions", general, "s"),
        Figure("retrieval_speedup", "int8 engine faster than that", general / ours, "×", "≥ 60"),
    ]


def prompts(catalogue: Catalogue, sentences: Sequence[str]) -> list[Figure]:
    """How long our prompt is, and those with descriptions; tokens of MiniLM's tokenizer, which has
    about as many pieces as Llama's."""
    texts, schemas = Retrieval(catalogue), Retrieval(catalogue, schema)
    every = len(texts.texts)

    def mean(prompt: Callable[[str], str]) -> float:
        return statistics.mean(len(texts.tokens(prompt(sentence))) for sentence in sentences)

    ours = mean(lambda sentence: PUBLISHED.replace(QUERY, sentence))
    five, as_schemas = mean(texts.prompt), mean(schemas.prompt)
    everything = mean(lambda sentence: texts.prompt(sentence, every))
    return [
        Figure("prompt_tokens", "tokens of the published prompt", ours, ""),
        Figure("five_tokens", "– with five descriptions", five, ""),
        Figure("schema_tokens", "– with five JSON schemas", as_schemas, ""),
        Figure("fewer_than_five", "fewer than with five descriptions",
               100 * (1 - ours / five), "%", "≥ 92"),
        Figure("fewer_than_schemas", "fewer than with five schemas",
               100 * (1 - ours / as_schemas), "%", "≥ 92"),
        Figure("fewer_than_all", "fewer than with all descriptions",
               100 * (1 - ours / everything), "%", "≥ 97"),
    ]  # fmt: skip


@torch.inference_mode()
def _generating(model: "PreTrainedModel", retrieval: Retrieval, sentence: str) -> float:
    """Seconds from the sentence to the last of `WRITES` tokens, the retrieval included."""

    def call() -> None:
        ids = torch.tensor([retrieval.tokens(retrieval.prompt(sentence))])
        model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=WRITES,
            min_new_tokens=WRITES, do_sample=False, pad_token_id=0,
        )  # fmt: skip

    return timed(call)[0]


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
