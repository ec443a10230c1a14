"""The model from the command line: what it makes of sentences, how often it is right, and what it
is taught. None of it needs a hub."""

import contextlib
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from orchestrator import settings
from orchestrator.broker import LOCAL
from orchestrator.cli.connection import Config
from orchestrator.cli.output import Json, console, done, emit, errors
from orchestrator.extras import extra


def decode(
    sentence: Annotated[str | None, typer.Argument()] = None,
    config: Config = settings.PACKAGED,
    jsonl: Annotated[
        Path | None, typer.Option(help="Lines with q; a JSON line each comes out")
    ] = None,
    user: Annotated[str, typer.Option(help="Whose policy counts")] = LOCAL,
    as_json: Json = True,
) -> None:
    """Show what the model makes of a sentence, as JSON; nothing is done."""
    from orchestrator import model_setup
    from orchestrator.named import named
    from orchestrator.octopus.loading import load
    from orchestrator.understanding import Understanding

    if (sentence is None) == (jsonl is None):
        raise typer.BadParameter("give either a sentence or --jsonl FILE")
    loaded, catalogue = settings.load(config)
    start = model_setup.model_start(loaded, catalogue)
    model = load(start.model, catalogue, start.embedded)
    understander = model_setup.understander_of(loaded, catalogue)

    def understood(text: str) -> Understanding:
        return understander(text, model.decode_all(understander.readings(text)), user)

    for text in [sentence] if sentence is not None else _questions(jsonl):
        emit(named(text, understood, catalogue))


def _questions(file: Path | None) -> list[str]:
    assert file is not None
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        return [json.loads(line)["q"] for line in lines if line]
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise typer.BadParameter(f"{file}: every line must be a JSON object with q") from error


def evaluate(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Rows as JSON lines; default: the held-out sets")
    ] = None,
    utterances: Annotated[
        Path | None, typer.Option(help="Folder whose dev.jsonl is evaluated too")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Folder of other weights than those the hub uses")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for evaluation.json and the pictures")
    ] = None,
    errors_shown: Annotated[
        int, typer.Option("--errors", help="Print so many wrong rows of each file")
    ] = 0,
    config: Config = settings.PACKAGED,
    as_json: Json = False,
) -> None:
    """How often the weights are right, and whether their confidence is."""
    from orchestrator import taught
    from orchestrator.octopus.manifest import WEIGHTS
    from training import evaluate as evaluation

    loaded, catalogue = settings.load(config)
    named_files = files or ([] if utterances else evaluation.own_sets())
    dev = [utterances / "dev.jsonl"] if utterances else []
    figures = evaluation.report(
        [*named_files, *dev], catalogue, errors if as_json else console,
        weights=weights or taught.current(loaded.state) or WEIGHTS, out=out, wrong=errors_shown,
    )  # fmt: skip
    if as_json:
        emit(figures)


def train(
    utterances: Annotated[
        Path | None, typer.Option(help="Folder with train.jsonl and dev.jsonl")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for checkpoint, log, weights")] = Path("work"),
    rows: Annotated[int | None, typer.Option(min=1, help="Sentences seen in all")] = None,
    variants: Annotated[int | None, typer.Option(min=0, help="Of each human sentence")] = None,
    rate: Annotated[float | None, typer.Option(min=0, help="Learning rate")] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random")] = None,
    start: Annotated[Path | None, typer.Option(help="Weights to start from, no MiniLM")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Of the processor")] = None,
    as_json: Json = False,
) -> None:
    """Train the embedded weights anew, in hours.

    Needs a checkout and the extra `train`. The same command goes on where it was stopped.
    """
    given = {
        "--utterances": utterances, "--out": out, "--rows": rows, "--variants": variants,
        "--rate": rate, "--seed": seed, "--start": start, "--threads": threads,
    }  # fmt: skip
    said = [text for name, value in given.items() if value is not None
            for text in (name, str(value))]  # fmt: skip
    with extra("train"):
        from training import train as training
        from training.command import command
    with contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout):
        command(lambda: training.main(said))
    if as_json:
        emit({"out": str(out)})


def teach(
    function: Annotated[
        Path | None, typer.Argument(help="TOML file of one function, without a token")
    ] = None,
    examples: Annotated[
        Path | None, typer.Option(help="10 to 30 sentences, arguments as {name~words}")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Go back to what was before")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Teach the same to the weights of a new release")
    ] = False,
    config: Config = settings.PACKAGED,
    as_json: Json = False,
) -> None:
    """Teach the hub a function of your own, in three minutes.

    Needs the extra `train`.
    """
    from orchestrator import taught

    if undo:  # helps against a catalogue that cannot be read, so it reads none
        now = taught.undo(settings.hub_of(config).state)
        told = {"folder": str(now) if now else None}
        done(told, as_json, f"in use: {now or 'the packaged weights'}; restart the hub")
        return
    if not again and (function is None or examples is None):
        raise typer.BadParameter("give FUNCTION.toml and --examples FILE, or --again, or --undo")
    if again and (function is not None or examples is not None):
        raise typer.BadParameter("--again teaches what was taught before: name no files")
    loaded, catalogue = settings.load(config)
    with extra("train"):
        from training import teach as teaching
    shown = errors if as_json else console
    if function is None or examples is None:
        folder = teaching.again(loaded.state, catalogue, shown)
    else:
        folder = teaching.teach(function, examples, loaded.state, catalogue, shown)
    line = f"taught: {folder}; restart the hub to use it, --undo to go back"
    done({"folder": str(folder)}, as_json, line)
