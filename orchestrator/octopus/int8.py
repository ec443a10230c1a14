"""Linear layers in int8: a scale for every row of the weights, one for what comes in.

On two cores a step of a large model takes as long as its weights take to come from memory, so half
the bytes are half the time. The kernel is PyTorch's own (FBGEMM); figures are in decision 9.
"""

import warnings

import torch
from torch import Tensor, nn


class Int8Linear(nn.Module):
    """A linear layer without bias, its weights int8 [out, in] and packed for the processor."""

    def __init__(self, weight: Tensor) -> None:
        """`weight`: float [out, in]."""
        super().__init__()
        weight = weight.float()
        scale = weight.abs().amax(dim=1).clamp(min=1e-8) / 127
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # quantized tensors are deprecated, their kernels stay
            rows = torch.quantize_per_channel(
                weight, scale.double(), torch.zeros(len(scale), dtype=torch.long), 0, torch.qint8
            )
        self._packed = torch.ops.quantized.linear_prepack(rows, None)

    def forward(self, x: Tensor) -> Tensor:
        """float32 [..., in] -> float32 [..., out]."""
        told: Tensor = torch.ops.quantized.linear_dynamic(x, self._packed, True)
        return told


def quantize(module: nn.Module) -> None:
    """Put an `Int8Linear` in the place of every linear layer below `module`, one by one: the float
    weights of no two are needed at once."""
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, Int8Linear(child.weight.data))
        else:
            quantize(child)
