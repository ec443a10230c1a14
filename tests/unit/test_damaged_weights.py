"""Weights that are not what their manifest says are refused in one line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.embedded import EmbeddedModel
from orchestrator.octopus.engine import Engine
from orchestrator.octopus.manifest import DECIDER, READER, TOKENIZER, WEIGHTS, DamagedWeights


def _replace(name: str, content: bytes) -> Callable[[Path], object]:
    def replace(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).write_bytes(content)

    return replace


def _without(key: str) -> Callable[[Path], object]:
    manifest = json.loads((WEIGHTS / "manifest.json").read_bytes())
    del manifest[key]
    return _replace("manifest.json", json.dumps(manifest).encode())


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_replace(READER, b"\x08\x07"), f"{READER} is damaged or altered: reinstall"),
        (_replace(TOKENIZER, b"{}"), f"{TOKENIZER} is damaged or altered: reinstall"),
        (lambda folder: (folder / READER).unlink(), "cannot read the weights"),
        (lambda folder: (folder / "manifest.json").unlink(), "cannot read the weights"),
        (_replace("manifest.json", b"{"), "cannot read the weights' manifest"),
        (_without("actions"), "cannot read the weights' manifest"),
        (_without("sha256"), "cannot read the weights' manifest"),
    ],
)
def test_damaged_weights_are_named(
    tmp_path: Path, catalogue: Catalogue, spoil: Callable[[Path], object], said: str
) -> None:
    for name in (READER, DECIDER, TOKENIZER, "manifest.json"):
        (tmp_path / name).symlink_to(WEIGHTS / name)
    spoil(tmp_path)
    with pytest.raises(DamagedWeights, match=said) as caught:
        Engine(EmbeddedModel(catalogue, tmp_path))
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
