"""Teaching: what is refused, before training and after it, and that nothing changes then."""

import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from orchestrator import taught
from orchestrator.catalogue import Catalogue
from orchestrator.octopus.embedded import EmbeddedModel
from orchestrator.octopus.engine import Engine
from orchestrator.settings import PACKAGED
from schemas.errors import HubError
from training import second
from training.lesson import CannotTeach, read
from training.teach import again, teach

LESSONS = Path(__file__).parent.parent / "teach"
KEYS, KEY_EXAMPLES = LESSONS / "find_my_keys.toml", LESSONS / "find_my_keys.txt"
PRINT = LESSONS / "print_document.toml"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[[function]]", "[[function]"), r"function\.toml: "),
        (("[[function]]", "[function]"), r"functions are tables named \[\[function\]\]"),
        (("[[function]]", "# [[function]]"), r"unknown key \w+; functions are tables named \[\["),
        (('name = "find_my_keys"', 'name = "../keys"'), "function ../keys: name"),
        (('name = "find_my_keys"', 'name = "turn_on"'), "there is a function turn_on already"),
        (('name = "find_my_keys"', 'name = "find_my_keys"\ntoken = 3'), "a token is used twice"),
        (("timeout = 30", 'timeout = 30\nparameters = [{name="a",type="enum",values=["none"]}]'),
         "'none' cannot be a value"),
        (('effect = "once"', 'effect = "twice"'), "function find_my_keys: effect"),
        (('risk = "safe"', ""), "function find_my_keys: risk"),
        (("timeout = 30", 'timeout = 30\nparameters = [{name="a",type="text"},'
          '{name="b",type="text"},{name="c",type="text"},{name="d",type="text"},'
          '{name="e",type="text"}]'), "at most 4 parameters"),
    ],
)  # fmt: skip
def test_a_function_that_cannot_be_taught_is_named(
    change: tuple[str, str], said: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    file = tmp_path / "function.toml"
    file.write_text(KEYS.read_text().replace(*change))
    with pytest.raises(HubError, match=said):
        read(file, KEY_EXAMPLES, catalogue)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("print {document~the letter", r"examples\.txt:1: cannot read"),
        ("print (the letter", r"examples\.txt:1: unclosed"),
        ("print {document:letters}", r"examples\.txt:1: slots/letters\.txt"),
        ("print {page~one}", r"examples\.txt:1: print_document has no parameter page"),
        ("print (it|{page~one})", r"examples\.txt:1: print_document has no parameter page"),
        ("print the {document~letter}s", r"examples\.txt:1: document must be whole words"),
        ("print {document~}", r"examples\.txt:1: "),
        ("print {document~" + "a long letter " * 20 + "}", r"examples\.txt:1: longer than 200"),
        ("{document=letter}print", r"examples\.txt:1: document is written \{document~words\}"),
        ("print {document~thesis}@work.org now", r"examples\.txt:1: document must be whole words"),
        ("print 'the {document~letter' from} Ana", r"examples\.txt:1: document must be whole"),
    ],
)
def test_an_example_that_cannot_be_read_is_named_by_its_line(
    line: str, said: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    file = tmp_path / "examples.txt"
    file.write_text(f"{line}\n" + (LESSONS / "print_document.txt").read_text())
    with pytest.raises(CannotTeach, match=said):
        read(PRINT, file, catalogue)


def test_too_few_examples_are_counted_once_each(tmp_path: Path, catalogue: Catalogue) -> None:
    file = tmp_path / "examples.txt"
    file.write_text("Find my keys!\nfind my keys\nwhere are my keys\n" * 5)
    with pytest.raises(CannotTeach, match="2 different examples; at least 10"):
        read(KEYS, file, catalogue)


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_file_is_named(missing: int, tmp_path: Path, catalogue: Catalogue) -> None:
    files = [KEYS, KEY_EXAMPLES]
    files[missing] = tmp_path / "nowhere"
    with pytest.raises(CannotTeach, match="nowhere: cannot be read"):
        read(files[0], files[1], catalogue)


def test_examples_of_what_the_hub_knows_are_refused(tmp_path: Path, catalogue: Catalogue) -> None:
    file = tmp_path / "examples.txt"
    file.write_text(KEY_EXAMPLES.read_text() + "turn on the lamp\n")
    with pytest.raises(CannotTeach, match="'turn on the lamp' is turn_on"):
        teach(KEYS, file, tmp_path / "state", catalogue, Console(quiet=True))
    assert taught.current(tmp_path / "state") is None


def test_what_was_hardly_learned_is_refused_and_nothing_changes(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    for rows in ("WRITTEN", "OTHERS", "UNSEEN"):
        monkeypatch.setattr(second, rows, 100)
    with pytest.raises(CannotTeach, match=r"find_my_keys: (only \d+ of 20|the other functions)"):
        teach(KEYS, KEY_EXAMPLES, tmp_path, catalogue, Console(quiet=True), steps=3)
    assert taught.current(tmp_path) is None
    assert [file.name for file in (tmp_path / taught.FOLDER).iterdir()] == ["lock"]


@pytest.mark.timeout(300)
def test_a_taught_function_is_understood_and_can_be_undone(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    folder = teach(KEYS, KEY_EXAMPLES, tmp_path, catalogue, Console(quiet=True), steps=150)
    assert taught.current(tmp_path) == folder
    wider = Catalogue.load(PACKAGED / "functions", folder / taught.FUNCTIONS)
    engine = Engine(EmbeddedModel(wider, folder))
    assert engine.decode("where did I leave my keys?").text == "<nexa_48>()<nexa_end>"
    both = engine.decode("turn on the porch light and find my keys").text
    assert both == "<nexa_43>('porch light');<nexa_48>()<nexa_end>"
    both = engine.decode("find my keys, then lock the car").text
    assert both == "<nexa_48>();<nexa_26>('lock')<nexa_end>"
    before = Engine(EmbeddedModel(catalogue))
    for sentence in ("text John the weather in Seoul", "who invented the key?", "lock the car"):
        assert engine.decode(sentence).text == before.decode(sentence).text
    assert taught.undo(tmp_path) is None


def test_nothing_is_taught_again_where_nothing_was(tmp_path: Path, catalogue: Catalogue) -> None:
    with pytest.raises(CannotTeach, match="nothing was taught"):
        again(tmp_path, catalogue, Console(quiet=True))


def test_the_lessons_are_whole(catalogue: Catalogue) -> None:
    """Every sentence of the sets that teaching is measured on names the function's parameters."""
    for file in sorted(LESSONS.glob("*.toml")):
        lesson = read(file, file.with_suffix(".txt"), catalogue)
        names = {parameter.name for parameter in lesson.function.parameters}
        lines = file.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
        assert len(lines) >= 20
        for line in lines:
            (call,) = json.loads(line)["call"]
            assert (call["name"], set(call["args"])) == (file.stem, names)
        assert not re.search(r"\{", " ".join(lesson.sentences))
