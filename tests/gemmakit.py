"""A small Gemma with functional tokens that the hub loads as it loads the published weights.

Its vocabulary is laid out as theirs is: 256,000 pieces, then `<nexa_0>` … `<nexa_20>` and
`<nexa_end>`. Most of the pieces are never used.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)
from transformers import GemmaConfig, GemmaForCausalLM
from transformers.utils import logging

from orchestrator.octopus.prompt import PUBLISHED, QUERY
from orchestrator.tokens import END, functional

FIRST_TOKEN, FUNCTIONS = 256_000, 21
VOCABULARY = FIRST_TOKEN + FUNCTIONS + 1
EOS, BOS = 1, 2
_SPECIAL = ["<pad>", "<eos>", "<bos>", "<unk>"]


def tokenizer(texts: Iterable[str], first: int = FIRST_TOKEN) -> Tokenizer:
    """A byte-level-safe BPE like Gemma's, learned from `texts`, with the published layout; `first`:
    the id of `<nexa_0>`, where no more pieces are learned."""
    learner = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    learner.normalizer = normalizers.Replace(" ", "▁")
    # While learning only: no piece goes across words, as in Gemma's.
    learner.pre_tokenizer = pre_tokenizers.Split(Regex(r"▁?\w+|▁|[^▁\w]+"), "isolated")
    bytes_ = [f"<0x{value:02X}>" for value in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=3_000, special_tokens=[*_SPECIAL, *bytes_], show_progress=False
    )
    learner.train_from_iterator(texts, trainer)
    learned = json.loads(learner.to_str()) | {"pre_tokenizer": None}
    vocabulary = learned["model"]["vocab"]
    unused = range(first - len(vocabulary))
    vocabulary |= {f"<unused{n}>": len(vocabulary) + n for n in unused}
    learned["added_tokens"] = [t for t in learned["added_tokens"] if t["content"] in _SPECIAL]
    made = Tokenizer.from_str(json.dumps(learned))
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    names = [*map(functional, range(FUNCTIONS)), END]
    made.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in names])
    return made


def configuration(vocabulary: int, **sizes: int) -> GemmaConfig:
    """A Gemma with few numbers besides its vocabulary's."""
    small = {"hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 2,
             "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 32}  # fmt: skip
    return GemmaConfig(vocab_size=vocabulary, **(small | sizes))


def save(folder: Path, model: GemmaForCausalLM, pieces: Tokenizer) -> Path:
    """Write the folder as the published one is."""
    logging.disable_progress_bar()
    model.to(torch.bfloat16).save_pretrained(folder)
    pieces.save(str(folder / "tokenizer.json"))
    return folder


def random_weights(folder: Path, **sizes: int) -> Path:
    """Weights that know nothing."""
    torch.manual_seed(1)
    model = GemmaForCausalLM(configuration(VOCABULARY, **sizes))
    return save(folder, model, tokenizer([PUBLISHED]))


def trained(
    rows: list[tuple[str, str]], steps: int, **sizes: int
) -> tuple[GemmaForCausalLM, Tokenizer]:
    """Weights that learned rows of a sentence and what is to be written about it.

    They learn without the pieces that are never used, which would take nearly all of the time.
    """
    torch.manual_seed(1)
    texts = [PUBLISHED.replace(QUERY, sentence) + " " + text for sentence, text in rows]
    pieces = tokenizer(texts)
    used = pieces.token_to_id("<unused0>") or 0
    learner = GemmaForCausalLM(configuration(used + FUNCTIONS + 1, **sizes))
    ids, labels = _batch([_example(pieces, *row) for row in rows], used)
    optimizer = torch.optim.AdamW(learner.parameters(), 2e-3, weight_decay=0.0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for so little, threads wait for each other ten times as long
    for _ in range(steps):
        loss = learner(input_ids=ids, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    torch.set_num_threads(threads)
    return _widened(learner, used, sizes), pieces


def _example(pieces: Tokenizer, sentence: str, text: str) -> tuple[list[int], int]:
    """A row's tokens, and how many of them are the prompt's."""
    asked = pieces.encode(PUBLISHED.replace(QUERY, sentence), add_special_tokens=False).ids
    told = pieces.encode(" " + text, add_special_tokens=False).ids
    return [BOS, *asked, *told, EOS], 1 + len(asked)


def _batch(examples: list[tuple[list[int], int]], used: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens and what is to be learned of them, [rows, longest]; functional tokens stand right
    behind the pieces that are used."""
    longest = max(len(tokens) for tokens, _ in examples)
    ids = torch.full((len(examples), longest), EOS)
    labels = torch.full_like(ids, -100)
    for at, (tokens, asked) in enumerate(examples):
        near = [used + token - FIRST_TOKEN if token >= FIRST_TOKEN else token for token in tokens]
        ids[at, : len(near)] = torch.tensor(near)
        labels[at, asked : len(near)] = ids[at, asked : len(near)]
    return ids, labels


def _widened(learner: GemmaForCausalLM, used: int, sizes: dict[str, int]) -> GemmaForCausalLM:
    """The same with the published vocabulary."""
    model = GemmaForCausalLM(configuration(VOCABULARY, **sizes))
    rows = model.model.embed_tokens.weight.data.clone()
    learned = learner.model.embed_tokens.weight.data
    rows[:used], rows[FIRST_TOKEN:] = learned[:used], learned[used:]
    kept = {
        k: v for k, v in learner.state_dict().items() if "embed" not in k and "lm_head" not in k
    }
    model.load_state_dict(kept, strict=False)
    model.model.embed_tokens.weight.data.copy_(rows)
    return model.eval()
