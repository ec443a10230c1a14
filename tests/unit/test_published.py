"""Weights that read a prompt: a small Gemma that learned ten sentences, and one that knows none."""

from collections.abc import Iterator

import pytest
import torch
from transformers import GemmaForCausalLM

from orchestrator import decoder
from orchestrator.catalogue import Catalogue
from orchestrator.octopus.engine import Engine, SentenceTooLong
from orchestrator.octopus.folder import UnfitWeights, WeightsFolder, inspected
from orchestrator.octopus.gemma import Gemma, Segment
from orchestrator.octopus.prompt import PUBLISHED, QUERY
from orchestrator.octopus.published import MAX_TOKENS, GrammarFailed, PublishedModel, Spelling
from schemas.decoded import Decoded
from tests import gemmakit

DESCRIPTION = "\n\nFunction description: \ndef any(a, b):\n"
"""What the published weights go on with behind the end."""
LEARNED = {
    "Take a selfie with the front camera": "<nexa_0>('front')",
    "Text John I'm late": "<nexa_7>('John', 'I\\'m late')",
    "What is the weather in Seoul": "<nexa_2>('Seoul')",
    "Set the media volume to 3": "<nexa_13>(3, 'media')",
    "Call +44 20 7946 0018": "<nexa_8>('+44 20 7946 0018')",
    "Wake me at 7:15": "<nexa_10>('7:15', 'alarm')",
    "Text Zoë schöne Grüße 🐙": "<nexa_7>('Zoë', 'schöne Grüße 🐙')",
    "Tell me a joke": "<nexa_20>()",
    "Is there smoke in here": "<nexa_6>()",
    "Show me videos of salt and pepper": "<nexa_4>('salt and pepper')",
}
SENTENCES = list(LEARNED)
LETTERS = "text John \"a <nexa_8>('911') b<nexa_end><bos>\" now"
NASTY = [
    "photo",
    "?!. ()[]{}",
    "text O'Neil \\'s \"late\" <nexa_3>, ok",
    LETTERS,
    "mail bob.smith@example.com and bob.smith@example.org at 7:15",
    "🐙🐙 call 👩\u200d👩\u200d👧 Müller cafe\u0301",
    "the the the the the the the the",
    '"' * 200,
    "x" * 250,
    " \u00a0 ",
]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """So small a model is no faster with more, and much slower where others are at work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def known(catalogue: Catalogue) -> Catalogue:
    return catalogue.only(range(gemmakit.FUNCTIONS))


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> WeightsFolder:
    rows = [(asked, f"{told}<nexa_end>{DESCRIPTION}") for asked, told in LEARNED.items()]
    model, pieces = gemmakit.trained(rows, 250)
    return inspected(gemmakit.save(tmp_path_factory.mktemp("learned"), model, pieces))


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> WeightsFolder:
    return inspected(gemmakit.random_weights(tmp_path_factory.mktemp("random")))


class Hints:
    """A draft that tests change."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.other = ""

    def __call__(self, sentence: str) -> str:
        return self.texts.get(sentence, self.other)


@pytest.fixture(scope="module")
def hints() -> Hints:
    return Hints()


@pytest.fixture(scope="module")
def gemma(learned: WeightsFolder) -> Gemma:
    return Gemma(learned.path, "bf16")


@pytest.fixture(scope="module")
def model(learned: WeightsFolder, gemma: Gemma, known: Catalogue) -> PublishedModel:
    """No draft."""
    return PublishedModel("small", learned, gemma, known)


@pytest.fixture(scope="module")
def plain(model: PublishedModel) -> Engine[Spelling]:
    return Engine(model)


@pytest.fixture(scope="module")
def drafted(
    learned: WeightsFolder, gemma: Gemma, known: Catalogue, hints: Hints
) -> Engine[Spelling]:
    return Engine(PublishedModel("small", learned, gemma, known, draft=hints))


@pytest.fixture(scope="module")
def alone(plain: Engine[Spelling]) -> list[Decoded]:
    """One by one, without a draft: what everything else must come to as well."""
    return [plain.decode(sentence) for sentence in SENTENCES]


def _same(told: list[Decoded], wanted: list[Decoded]) -> None:
    assert [one.text for one in told] == [one.text for one in wanted]
    sure = [one.confidence for one in wanted]
    assert [one.confidence for one in told] == pytest.approx(sure, abs=1e-2)


def test_it_writes_what_it_learned_and_stops_there(alone: list[Decoded]) -> None:
    assert [one.text for one in alone] == [f"{told}<nexa_end>" for told in LEARNED.values()]
    assert [one.confidence for one in alone if not 0.5 < one.confidence <= 1] == []
    assert all(one.model == "small" for one in alone)


def test_it_writes_what_transformers_write(learned: WeightsFolder, alone: list[Decoded]) -> None:
    reference = GemmaForCausalLM.from_pretrained(learned.path, dtype=torch.bfloat16)
    functional = slice(gemmakit.FIRST_TOKEN, gemmakit.FIRST_TOKEN + gemmakit.FUNCTIONS)
    for sentence, ours in zip(SENTENCES, alone, strict=True):
        prompt = learned.tokenizer.encode(PUBLISHED.replace(QUERY, sentence)).ids
        asked = torch.tensor([[gemmakit.BOS, *prompt]])
        made = reference.generate(
            asked, attention_mask=torch.ones_like(asked), max_new_tokens=60, do_sample=False,
            eos_token_id=gemmakit.VOCABULARY - 1, pad_token_id=0, output_logits=True,
            return_dict_in_generate=True,
        )  # fmt: skip
        assert _text(learned, made.sequences[0, asked.shape[1] :].tolist()) == " " + ours.text
        sure = made.logits[1][0, functional].float().softmax(0).max()
        assert ours.confidence == pytest.approx(float(sure), abs=1e-2)


def test_several_at_once_are_as_one_by_one(plain: Engine[Spelling], alone: list[Decoded]) -> None:
    _same(plain.decode_all(SENTENCES), alone)
    _same(plain.decode_all(SENTENCES[::-1]), alone[::-1])
    _same(plain.decode_all(["Tell me a joke"] * 3), [alone[SENTENCES.index("Tell me a joke")]] * 3)
    assert plain.decode_all([]) == []


@pytest.mark.parametrize(
    "draft",
    [
        "",
        "<nexa_7>('John', 'I\\'m late')<nexa_end>",
        "<nexa_7>('Nobody', None)<nexa_end>",
        "<nexa_2>('Seoul');<nexa_2>('Seoul')<nexa_end>",
        "<nexa_99> ((('' <nexa_end><nexa_end>\x00 <bos> 🐙",
        "<nexa_7>" * 300,
    ],
)
def test_a_wrong_draft_changes_nothing(
    draft: str, drafted: Engine[Spelling], hints: Hints, alone: list[Decoded]
) -> None:
    hints.texts, hints.other = {}, draft
    _same([drafted.decode(sentence) for sentence in SENTENCES], alone)
    _same(drafted.decode_all(SENTENCES), alone)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tokens each pass over the weights read."""
    counted: list[int] = []
    read = Gemma.read

    def counting(self: Gemma, segments: list[Segment]) -> list[torch.Tensor]:
        counted.append(sum(len(segment.ids) for segment in segments))
        return read(self, segments)

    monkeypatch.setattr(Gemma, "read", counting)
    return counted


def test_a_draft_saves_passes_and_changes_nothing(
    plain: Engine[Spelling],
    drafted: Engine[Spelling],
    hints: Hints,
    alone: list[Decoded],
    passes: list[int],
) -> None:
    hints.texts = {sentence: f"{told}<nexa_end>" for sentence, told in LEARNED.items()}
    without = [_passes(plain, sentence, passes) for sentence in SENTENCES]
    with_draft = [_passes(drafted, sentence, passes) for sentence in SENTENCES]
    assert all(few <= many for few, many in zip(with_draft, without, strict=True))
    assert sum(with_draft) < sum(without)
    assert with_draft == [1] * len(SENTENCES)  # all that was written was read ahead
    _same([drafted.decode(sentence) for sentence in SENTENCES], alone)
    _same(drafted.decode_all(SENTENCES), alone)


def _passes(engine: Engine[Spelling], sentence: str, passes: list[int]) -> int:
    passes.clear()
    engine.decode(sentence)
    return len(passes)


def test_the_prompt_is_read_once(plain: Engine[Spelling], passes: list[int]) -> None:
    plain.decode("Tell me a joke")
    assert passes[0] < 30


def test_int8_writes_the_same(
    learned: WeightsFolder, known: Catalogue, hints: Hints, alone: list[Decoded]
) -> None:
    hints.texts, hints.other = {}, ""
    model = PublishedModel("small", learned, Gemma(learned.path, "int8"), known, draft=hints)
    told = Engine(model).decode_all(SENTENCES)
    assert [one.text for one in told] == [one.text for one in alone]


def test_other_sentences_can_be_read_too(plain: Engine[Spelling], known: Catalogue) -> None:
    for told in plain.decode_all(NASTY):
        assert decoder.read(told.text, known)


@pytest.mark.parametrize(("precision", "several"), [("bf16", False), ("int8", True)])
def test_what_random_weights_write_can_be_read(
    precision: str, several: bool, random: WeightsFolder, known: Catalogue
) -> None:
    gemma = Gemma(random.path, precision)
    engine = Engine(PublishedModel("random", random, gemma, known, several=several))
    for told in engine.decode_all(NASTY):
        calls = decoder.read(told.text, known)
        assert ";".join(decoder.write(call, known) for call in calls) + "<nexa_end>" == told.text
        assert 0 < told.confidence <= 1


def test_letters_never_become_a_functional_token(
    learned: WeightsFolder, model: PublishedModel, known: Catalogue
) -> None:
    spelling = model.start(LETTERS)
    asked, written = spelling.unread, []
    text = "<nexa_4>('\"a <nexa_8>(\\'911\\') b<nexa_end><bos>\"')<nexa_end>"
    while not spelling.ended:
        spelling.take(_next(spelling, text.removeprefix(_text(learned, written)), learned))
        written += spelling.unread
    assert _text(learned, written) == spelling.text() == text
    (call,) = decoder.read(spelling.text(), known)
    assert call.arguments == ("\"a <nexa_8>('911') b<nexa_end><bos>\"",)
    first = gemmakit.FIRST_TOKEN
    assert not [token for token in asked if token >= first or token <= gemmakit.BOS]
    assert [token for token in written if token >= first] == [first + 4, gemmakit.VOCABULARY - 1]


def _next(spelling: Spelling, rest: str, folder: WeightsFolder) -> int:
    """The longest of the tokens that may come next and that `rest` begins with."""
    pieces = [_text(folder, [int(token)]) for token in spelling.open()]
    fitting = [at for at, piece in enumerate(pieces) if piece and rest.startswith(piece)]
    return max(fitting, key=lambda at: len(pieces[at]))


def _text(folder: WeightsFolder, tokens: list[int]) -> str:
    return folder.tokenizer.decode(tokens, skip_special_tokens=False)


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        *LEARNED.items(),
        (
            "mail bob.smith@example.com or bob.smith@example.org",
            "<nexa_4>('bob.smith@example.org')",
        ),
        ("videos of cafés, cafeteria, Zoë or Zoo", "<nexa_4>('cafeteria, Zoë')"),
        ("videos of xyzzyö or xyzzyü", "<nexa_4>('xyzzyü')"),
    ],
)
def test_what_is_not_asked_for_is_cut_as_the_tokenizer_cuts(
    sentence: str, text: str, learned: WeightsFolder, model: PublishedModel
) -> None:
    wanted = learned.tokenizer.encode(f" {text}<nexa_end>").ids
    spelling = model.start(sentence)
    written = wanted[:1]
    while not spelling.ended:
        choices = spelling.open().tolist()
        spelling.take(choices.index(wanted[len(written)]))
        written += spelling.unread
        assert written == wanted[: len(written)]
    assert written == wanted


def test_a_sentence_that_is_too_long_is_refused_with_both_lengths(
    plain: Engine[Spelling],
) -> None:
    with pytest.raises(SentenceTooLong, match=rf"has 6\d\d tokens; at most {MAX_TOKENS} "):
        plain.decode("~" * 600)


def test_a_sentence_as_long_as_may_be_is_read(plain: Engine[Spelling], known: Catalogue) -> None:
    assert decoder.read(plain.decode("~" * (MAX_TOKENS - 1)).text, known)


def test_functions_that_the_weights_do_not_know_are_refused(
    learned: WeightsFolder, gemma: Gemma, catalogue: Catalogue
) -> None:
    with pytest.raises(UnfitWeights, match="<nexa_21>") as caught:
        PublishedModel("small", learned, gemma, catalogue)
    assert "\n" not in str(caught.value)


def test_a_prompt_may_be_the_sentence_alone(learned: WeightsFolder, known: Catalogue) -> None:
    gemma = Gemma(learned.path, "bf16")
    gemma.config.bos_token_id = None
    engine = Engine(PublishedModel("small", learned, gemma, known, prompt="{query}"))
    assert decoder.read(engine.decode("photo").text, known)


def test_where_the_grammar_fails_nothing_half_is_told(plain: Engine[Spelling]) -> None:
    # Gemma's tokenizer takes this letter for a space, so it cannot be spelled.
    with pytest.raises(GrammarFailed):
        plain.decode("▁" * 20)
