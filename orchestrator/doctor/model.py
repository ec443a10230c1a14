"""Would the configured model work?"""

from collections.abc import Iterator
from pathlib import Path

from orchestrator.catalogue import Catalogue
from orchestrator.doctor.checks import Check, checked
from orchestrator.octopus.embedded import EmbeddedModel
from orchestrator.octopus.loading import PUBLISHED_TOKENS, server, usable
from orchestrator.settings import Model

_GIB = 1 << 30
_ASKED = "take a photo"


def model_checks(model: Model, catalogue: Catalogue, embedded: Path) -> Iterator[Check]:
    """The embedded weights, which are always needed, then the model that `model.url` names."""
    yield checked("embedded weights", lambda: _embedded(catalogue, embedded))
    if model.on_server:
        known = catalogue.only(PUBLISHED_TOKENS)
        yield checked("model server", lambda: _server(model, known))
    elif model.url != "embedded:":
        yield checked("weights", lambda: _folder(model))


def _embedded(catalogue: Catalogue, folder: Path) -> str:
    EmbeddedModel(catalogue, folder)
    return f"whole: {folder}"


def _folder(model: Model) -> str:
    folder = usable(model)
    needs = folder.needs(model.precision) / _GIB
    return f"{len(folder.tokens)} functions, {needs:.1f} GiB of memory while loading: {folder.path}"


def _server(model: Model, known: Catalogue) -> str:
    (told,) = server(model, known).decode_all([_ASKED])
    return f"{model.url} writes {told.text} for “{_ASKED}”, {told.confidence:.0%} sure"
