"""The embedded model: what ships, what is refused, and that random weights know nothing."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from orchestrator import decoder
from orchestrator.catalogue import Catalogue
from orchestrator.octopus.embedded import EmbeddedModel, Pointing
from orchestrator.octopus.engine import BrokenWeights, Engine, Floats
from orchestrator.octopus.engine import SentenceTooLong as TooLong
from orchestrator.octopus.grammar import Grammar, Vocabulary
from orchestrator.octopus.manifest import (
    DECIDER,
    READER,
    TAUGHT,
    TOKENIZER,
    WEIGHTS,
    DamagedWeights,
)
from orchestrator.octopus.tokenizer import WordPieces
from tests.weightskit import random_weights
from training import evaluate
from training.batches import collate
from training.dataset.encode import Encoded
from training.export import describe, export_decider
from training.marks import mark_all

SENTENCES = Path(__file__).parent.parent / "sentences"


@pytest.fixture(scope="module")
def engine(catalogue: Catalogue) -> Engine:
    return Engine(EmbeddedModel(catalogue))


def test_the_readme_sentences(engine: Engine) -> None:
    text = engine.decode("Text John the weather in Seoul").text
    assert text == "<nexa_7>('John', <nexa_2>('Seoul'))<nexa_end>"
    text = engine.decode("Take a selfie with the front camera and set the media volume to 3").text
    assert text == "<nexa_0>('front');<nexa_13>('3', 'media')<nexa_end>"


def test_arguments_keep_the_persons_own_letters(engine: Engine) -> None:
    sentence = "send a text to Zoë O'Neil saying “It's 5 o'clock, ÇA VA?”"
    assert "Zoë O\\'Neil" in engine.decode(sentence).text


@pytest.mark.parametrize(
    "sentence", ["<nexa_8>('911')<nexa_end>", "[SEP] [CLS] [MASK]", "🐙" * 20, "'\\\"); <nexa_end>"]
)
def test_whatever_is_said_the_output_can_be_read(
    sentence: str, engine: Engine, catalogue: Catalogue
) -> None:
    assert decoder.read(engine.decode(sentence).text, catalogue)


def test_a_sentence_longer_than_the_model_reads_is_refused(engine: Engine) -> None:
    with pytest.raises(TooLong, match="at most 200"):
        engine.decode("word " * 300)


@pytest.mark.parametrize("name", [READER, DECIDER, TOKENIZER, "manifest.json"])
def test_altered_weights_are_refused_by_name(
    name: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    for file in (READER, DECIDER, TOKENIZER, "manifest.json"):
        (tmp_path / file).write_bytes((WEIGHTS / file).read_bytes())
    damaged = tmp_path / name
    damaged.write_bytes(damaged.read_bytes()[:-9])
    with pytest.raises(DamagedWeights, match=str(tmp_path)):
        Engine(EmbeddedModel(catalogue, tmp_path))


def test_missing_weights_are_refused_by_name(tmp_path: Path, catalogue: Catalogue) -> None:
    with pytest.raises(DamagedWeights, match=str(tmp_path)):
        Engine(EmbeddedModel(catalogue, tmp_path))


def test_functions_the_weights_do_not_know_are_refused(catalogue: Catalogue) -> None:
    photo = catalogue["take_a_photo"]
    camera = photo.parameters[0].model_copy(update={"values": ("front", "periscope")})
    changed = photo.model_copy(update={"parameters": (camera,)})
    others = [f for f in catalogue if f.name != "take_a_photo"]
    with pytest.raises(DamagedWeights, match="periscope"):
        Engine(EmbeddedModel(Catalogue([changed, *others])))


def test_random_weights_know_nothing(tmp_path: Path, catalogue: Catalogue) -> None:
    random_weights(tmp_path, catalogue)
    rows = evaluate.load(SENTENCES / "short.jsonl", catalogue)[::5]
    marked = mark_all(rows, evaluate.reader(catalogue, tmp_path))
    assert evaluate.summary(marked)["function"] < 0.10


@pytest.mark.parametrize(
    ("name", "least"), [("short", 0.96), ("parallel", 0.93), ("nested", 0.95), ("irrelevant", 0.96)]
)
def test_the_shipped_weights_know_other_sentences(
    name: str, least: float, catalogue: Catalogue
) -> None:
    rows = evaluate.load(SENTENCES / f"{name}.jsonl", catalogue)
    marked = mark_all(rows, evaluate.reader(catalogue))
    assert evaluate.summary(marked)["function"] >= least


def test_the_engine_decides_as_the_trained_model_does(tmp_path: Path, catalogue: Catalogue) -> None:
    model = random_weights(tmp_path, catalogue)
    grammar = Grammar(catalogue, Vocabulary.of(catalogue))
    pieces = WordPieces(tmp_path / TOKENIZER)
    engine = Engine(EmbeddedModel(catalogue, tmp_path))
    sentence = "text John the weather in Seoul, then lock the car"
    words = pieces(sentence)
    # Walk greedily with the training code, which sees the whole response again at every step.
    derivation = grammar.start()
    choices: list[int] = []
    slots: list[int] = []
    while derivation.slot is not None:
        slots.append(derivation.slot)
        row = Encoded(words.ids, (*choices, 0), tuple(slots), (True,) * len(slots), "")
        batch = collate([row], grammar)
        with torch.no_grad():
            scores = model(batch.ids, batch.seen, batch.before, batch.slots)
        masked = np.where(derivation.open(words), scores[0, -1].numpy(), -np.inf)
        choices.append(int(masked.argmax()))
        derivation.take(choices[-1], words)
    assert engine.decode(sentence).text == derivation.text()


@pytest.mark.parametrize(("sure", "claimed"), [(0.9, True), (1.0, False)])
def test_a_second_decider_counts_where_it_is_sure_of_a_taught_function(
    sure: float, claimed: bool, tmp_path: Path, catalogue: Catalogue
) -> None:
    model = random_weights(tmp_path, catalogue)
    vocabulary = Vocabulary.of(catalogue)
    sentence = "text John the weather in Seoul, then lock the car"
    before = Engine(EmbeddedModel(catalogue, tmp_path)).decode(sentence).text
    photo = catalogue["take_a_photo"].model_copy(update={"name": "film", "token": 48})
    with torch.no_grad():
        model.heads.actions.bias[48] += 8  # surer than 0.9, and not quite sure
        model.heads.actions.bias[vocabulary.action_ids["front"]] += 8
    export_decider(model, tmp_path, TAUGHT, int8=False)
    describe(tmp_path, vocabulary, model.shape, taught=[48], sure=sure)
    after = Engine(EmbeddedModel(Catalogue([*catalogue, photo]), tmp_path)).decode(sentence).text
    # Six calls are the most that a sentence may ask for.
    assert after == ("<nexa_48>('front');" * 6)[:-1] + "<nexa_end>" if claimed else before


@pytest.mark.parametrize("wanted", ["back", "front"])
def test_a_second_decider_decides_the_arguments_of_a_taught_function(
    wanted: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    model = random_weights(tmp_path, catalogue)
    vocabulary = Vocabulary.of(catalogue)
    photo = catalogue["take_a_photo"].model_copy(update={"name": "film", "token": 48})
    with torch.no_grad():
        model.heads.actions.bias[48] += 8
        model.heads.actions.bias[vocabulary.action_ids[wanted]] += 8
    export_decider(model, tmp_path, TAUGHT, int8=False)
    describe(tmp_path, vocabulary, model.shape, taught=[48], sure=0.9)
    text = Engine(EmbeddedModel(Catalogue([*catalogue, photo]), tmp_path)).decode("film this").text
    assert text.startswith(f"<nexa_48>('{wanted}')")


@pytest.mark.parametrize("score", [float("nan"), 0.0])
def test_scores_that_are_no_numbers_write_nothing(score: float, catalogue: Catalogue) -> None:
    class Broken(EmbeddedModel):
        def probabilities(self, derivations: Sequence[Pointing]) -> list[Floats]:
            return [np.full(len(one.open()), score, np.float32) for one in derivations]

    with pytest.raises(BrokenWeights, match="no numbers"):
        Engine(Broken(catalogue)).decode("take a photo")


def test_some_of_the_functions_are_a_catalogue_too(catalogue: Catalogue) -> None:
    some = catalogue.only(range(30))
    assert [function.token for function in some] == list(range(30))
    assert catalogue["start_charging"].inverse == "stop_charging"
    assert some["start_charging"].inverse is None


@pytest.mark.parametrize(
    ("imported", "never"),
    [
        ("orchestrator.app", ("onnxruntime", "numpy", "torch")),
        ("orchestrator.octopus.worker", ("torch", "transformers", "onnx", "safetensors")),
    ],
)
def test_a_process_imports_what_it_needs(imported: str, never: tuple[str, ...]) -> None:
    program = (
        f"import sys; import orchestrator.cli, {imported}; "
        f"print([m for m in {never} if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
