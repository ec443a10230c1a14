"""Gemma on processors: several sentences in one pass, each with keys and values of its own.

The layers are transformers'. Their attention is replaced, so that the tokens of all sentences stand
behind each other without padding, and no weight is read twice for two of them. The only file that
imports transformers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import AttentionInterface, GemmaForCausalLM
from transformers.utils import logging

from orchestrator.octopus.int8 import quantize

Precision = Literal["int8", "bf16"]
_PACKED = "octopus_packed"


@dataclass
class Past:
    """The keys and values of one sentence's tokens, [layers, heads of keys, room, width of a head];
    the first `length` are filled."""

    keys: Tensor
    values: Tensor
    length: int = 0

    def copy(self) -> "Past":
        """The same tokens, to go on from."""
        return Past(self.keys.clone(), self.values.clone(), self.length)

    def reserve(self, count: int) -> None:
        """Make room for `count` more tokens, if there is none."""
        if self.length + count > self.keys.shape[2]:
            self.keys, self.values = (
                F.pad(part, (0, 0, 0, self.length + 2 * count)) for part in (self.keys, self.values)
            )

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Write one layer's for the tokens behind `length`; all of them so far. The caller moves
        `length` once every layer has written."""
        end = self.length + keys.shape[1]
        self.keys[layer, :, self.length : end] = keys
        self.values[layer, :, self.length : end] = values
        return self.keys[layer, :, :end], self.values[layer, :, :end]


@dataclass(frozen=True)
class Segment:
    """Tokens to be read next, behind what `past` holds."""

    past: Past
    ids: Sequence[int] = field(repr=False)


class Gemma:
    """A GemmaForCausalLM, loaded; used from one thread at a time."""

    def __init__(self, folder: Path, precision: Precision) -> None:
        """Only safetensors, never code from the folder; the caller has checked it (`folder.py`)."""
        loaded: Any = GemmaForCausalLM.from_pretrained(
            folder, dtype=torch.bfloat16, attn_implementation=_PACKED, local_files_only=True,
            use_safetensors=True, trust_remote_code=False, output_loading_info=True,
            ignore_mismatched_sizes=True,
        )  # fmt: skip
        model, told = loaded
        _check(told)
        self._take(model, precision)

    @classmethod
    def of(cls, model: GemmaForCausalLM, precision: Precision) -> "Gemma":
        """One that is in memory already, which this changes."""
        made = cls.__new__(cls)
        model.set_attn_implementation(_PACKED)
        made._take(model, precision)
        return made

    def _take(self, model: GemmaForCausalLM, precision: Precision) -> None:
        self.config = model.config
        self._model = model.model.eval()
        self._head = model.lm_head.weight.data
        if precision == "int8":
            quantize(self._model.layers)
            for part in (*self._model.layers, self._model.norm):
                part.float()
        self.dtype = torch.float32 if precision == "int8" else torch.bfloat16

    def past(self) -> Past:
        """No tokens yet."""
        shape = (self.config.num_hidden_layers, self.config.num_key_value_heads, 0)
        empty = torch.empty(*shape, self.config.head_dim, dtype=self.dtype)
        return Past(empty, empty.clone())

    @torch.inference_mode()
    def read(self, segments: Sequence[Segment]) -> list[Tensor]:
        """What the last layer makes of each segment's tokens, [tokens, width] each; their keys and
        values are kept."""
        counts = [len(segment.ids) for segment in segments]
        for segment, count in zip(segments, counts, strict=True):
            segment.past.reserve(count)
        ids = torch.tensor([token for segment in segments for token in segment.ids])
        places = [torch.arange(n) + s.past.length for s, n in zip(segments, counts, strict=True)]
        embedded = self._model.embed_tokens(ids[None]).to(self.dtype)
        output = self._model(
            inputs_embeds=embedded, position_ids=torch.cat(places)[None], use_cache=False,
            segments=segments,
        )  # fmt: skip
        for segment, count in zip(segments, counts, strict=True):
            segment.past.length += count
        return list(output.last_hidden_state[0].split(counts))

    @torch.inference_mode()
    def scores(self, hidden: Tensor, ids: Tensor) -> Tensor:
        """Of only these tokens, [ids]; `hidden`: [width]. The head of all is a fifth of a step."""
        scores: Tensor = self._head[ids].float() @ hidden.float()
        return scores


def _check(told: dict[str, Any]) -> None:
    """ValueError where the weights do not fit the configuration: transformers would make up what it
    lacks, and leave out what it does not know."""
    for name, there, wanted in sorted(told["mismatched_keys"]):
        raise ValueError(f"{name} is {list(there)}, and config.json says {list(wanted)}")
    for name in sorted(told["missing_keys"]):
        raise ValueError(f"{name} is missing")
    for name in sorted(told["unexpected_keys"]):
        # Some write the head, which is the embeddings again, or tables that are worked out anew.
        if name.startswith("model.") and name.endswith(".weight"):
            raise ValueError(f"{name} has no place in what config.json says")


def _packed(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    _mask: Tensor | None,
    scaling: float,
    segments: Sequence[Segment],
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention within each segment, [1, heads, all tokens, width of a head] each."""
    told, at = [], 0
    for segment in segments:
        here = slice(at, at + len(segment.ids))
        at = here.stop
        keys, values = segment.past.extend(module.layer_idx, key[0, :, here], value[0, :, here])
        told.append(
            F.scaled_dot_product_attention(
                query[:, :, here], keys[None], values[None], scale=scaling, enable_gqa=True,
                attn_mask=_causal(len(segment.ids), keys.shape[1]),
            )
        )  # fmt: skip
    return torch.cat(told, dim=2).transpose(1, 2), None


def _causal(count: int, length: int) -> Tensor | None:
    """Which of `length` tokens each of the last `count` may look at; one may look at all."""
    if count == 1:
        return None
    return torch.ones(count, length, dtype=torch.bool).tril(length - count)


AttentionInterface.register(_PACKED, _packed)
# What is wrong with weights is said in one line (`loading.py`).
logging.set_verbosity_error()  # type: ignore[no-untyped-call]
logging.disable_progress_bar()  # type: ignore[no-untyped-call]
