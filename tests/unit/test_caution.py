"""Caution: the exported head, the shipped one, and weights that were made before there was one."""

import json
from datetime import datetime
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import onnxruntime
import pytest
import torch

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.cautious import Cautious
from orchestrator.octopus.embedded import EmbeddedModel
from orchestrator.octopus.engine import Engine
from orchestrator.octopus.manifest import (
    CAUTION,
    DECIDER,
    READER,
    TOKENIZER,
    WEIGHTS,
    DamagedWeights,
    manifest_of,
)
from orchestrator.policy import Policy
from orchestrator.understanding import Understander
from schemas.decoded import Decoded
from training.caution import CautionGraph, Head, export, loss_of, settle, tell
from training.caution import Read as ReadRow
from training.dataset.caution import KINDS, SOME, Cautions, Shapes


@pytest.fixture(scope="module")
def engine(catalogue: Catalogue) -> Engine:
    return Engine(EmbeddedModel(catalogue))


@pytest.fixture(scope="module")
def head() -> Head:
    torch.manual_seed(1)
    return Head(384).eval()


@pytest.mark.parametrize(("int8", "tolerance"), [(False, 1e-5), (True, 0.02)])
@pytest.mark.parametrize("pieces", [3, 17])
def test_the_exported_head_says_what_the_trained_one_does(
    int8: bool, tolerance: float, pieces: int, head: Head, tmp_path: Path
) -> None:
    export(head, tmp_path / CAUTION, int8=int8)
    middle = torch.randn(pieces, 384)
    session = onnxruntime.InferenceSession(tmp_path / CAUTION)
    (told,) = session.run(None, {"middle": middle.numpy()})
    with torch.no_grad():
        wanted = CautionGraph(head)(middle).numpy()
    assert told.shape == (len(KINDS),)
    assert told.sum() == pytest.approx(1, abs=1e-5)
    assert np.abs(told - wanted).max() < tolerance


def test_padding_changes_nothing(head: Head) -> None:
    read = torch.randn(1, 5, 384)
    longer = torch.cat([read, torch.randn(1, 4, 384)], dim=1)
    seen = torch.tensor([[True] * 5 + [False] * 4])
    with torch.no_grad():
        torch.testing.assert_close(head(longer, seen), head(read, None), atol=1e-5, rtol=1e-4)


def test_of_a_sentence_nobody_named_only_caution_is_learned() -> None:
    sure = torch.full((1, len(KINDS)), -20.0)
    sure[0, 5] = 20
    assert loss_of(sure, torch.tensor([SOME])) < 1e-3
    assert loss_of(sure, torch.tensor([0])) > 10


def test_a_half_is_what_one_in_a_hundred_plain_sentences_exceeds(tmp_path: Path) -> None:
    torch.manual_seed(2)
    head = Head(8, width=8, heads=2, inner=8).eval()
    rows = [ReadRow(0, torch.randn(4, 8).half()) for _ in range(1000)]
    settle(head, rows)
    with torch.no_grad():
        told = [head(row.states.float()[None], None).softmax(-1)[0, 0].item() for row in rows]
    assert sum(plain < 0.5 for plain in told) == 10


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("please don't open the garage", "negation"),
        ("turn off all the lamps except the one in the hall", "exception"),
        ("if the baby wakes up, turn on the night light", "condition"),
        ("lock the front door at midnight", "time"),
        ("what would happen if I opened the window?", "hypothetical"),
        ("why did somebody turn off the fan?", "informational"),
        ("my sister told me to unlock the car", "reported"),
        ("I already closed the blinds", "past"),
        ("open the sunroof, no wait, the window", "correction"),
        ("never mind, forget it", "cancellation"),
        ("do it again", "vague"),
    ],
)
def test_what_must_not_be_acted_on_is_told(sentence: str, kind: str, engine: Engine) -> None:
    decoded = engine.decode(sentence)
    assert decoded.caution > 0.5
    assert decoded.because == kind


@pytest.mark.parametrize(
    "sentence",
    [
        "turn on the kitchen light",
        "could you please lock the front door?",
        "set an alarm for seven tomorrow morning",
        "text Maria that I won't be home before nine",
        "what's the weather in Lisbon on Friday?",
        "play Don't Stop Believin'",
        "is the back door locked?",
        "turn off the lamp and then close the blinds",
        "my hands are full, open the garage please",
    ],
)
def test_a_plain_request_is_not(sentence: str, engine: Engine) -> None:
    assert engine.decode(sentence).caution < 0.5


def _older(folder: Path) -> None:
    """The shipped weights as they were before there was caution."""
    for name in (READER, DECIDER, TOKENIZER):
        (folder / name).symlink_to(WEIGHTS / name)
    manifest = json.loads((WEIGHTS / "manifest.json").read_bytes())
    del manifest["caution"]
    del manifest["sha256"][CAUTION]
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_older_weights_load_and_know_no_caution(tmp_path: Path, catalogue: Catalogue) -> None:
    _older(tmp_path)
    decoded = Engine(EmbeddedModel(catalogue, tmp_path)).decode("don't lock the car")
    assert (decoded.caution, decoded.because) == (0.0, "")


def test_a_head_is_told_to_the_manifest_and_a_damaged_one_refused(
    tmp_path: Path, catalogue: Catalogue, head: Head
) -> None:
    _older(tmp_path)
    export(head, tmp_path / CAUTION)
    tell(tmp_path)
    assert manifest_of(tmp_path).caution == KINDS
    assert 0 < Engine(EmbeddedModel(catalogue, tmp_path)).decode("lock the car").caution < 1
    (tmp_path / CAUTION).write_bytes(b"\x08\x07")
    with pytest.raises(DamagedWeights, match=f"{CAUTION} is damaged"):
        manifest_of(tmp_path)


def test_another_models_answers_carry_it_too(catalogue: Catalogue) -> None:
    class Other:
        def decode_all(self, sentences: list[str]) -> list[Decoded]:
            return [Decoded(text="x", confidence=0.9, model="other") for _ in sentences]

    both = Cautious(Other(), EmbeddedModel(catalogue)).decode_all(
        ["please don't lock the car", "word " * 300]
    )
    assert [one.text for one in both] == ["x", "x"]
    assert both[0].caution > 0.5
    assert both[0].because == "negation"
    assert (both[1].caution, both[1].because) == (0.0, "")


def test_the_same_seed_writes_the_same_sentences_of_every_kind(catalogue: Catalogue) -> None:
    learned, kept = Shapes.split(1)
    for kind in KINDS:
        assert not set(learned.of[kind]) & set(kept.of[kind])
        first, second = (
            list(islice(Cautions(catalogue, 1).of(kind, kept.of[kind]), 5)) for _ in range(2)
        )
        assert first == second
        assert all("{" not in said.sentence for said in first)


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("don't unlock the front door", "the sentence says not to"),
        ("should I unlock the front door?", "the sentence only considers it"),
        ("turn on the lamp yesterday at 5", "past"),
        ("who won the match in 1998", ""),
    ],
)
def test_what_is_declined_for_what_it_forbids_says_so(
    sentence: str, reason: str, engine: Engine, catalogue: Catalogue
) -> None:
    now = datetime(2026, 11, 29, 17, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    understander = Understander(
        catalogue, Policy(), threshold=0.5, caution=0.05, region="US", now=lambda: now
    )
    decoded = engine.decode_all(understander.readings(sentence))
    understood = understander(sentence, decoded, "local")
    assert understood.decision == "refuse"
    assert reason in understood.reason
