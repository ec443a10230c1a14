"""Which model `model.url` means, made ready to decode."""

import importlib.util
import logging
import os
from contextlib import suppress
from functools import partial
from pathlib import Path

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.cautious import Cautious
from orchestrator.octopus.clauses import Splitting
from orchestrator.octopus.embedded import EmbeddedModel, Pointing
from orchestrator.octopus.engine import Decoder, Engine, SentenceTooLong
from orchestrator.octopus.fallback import Fallback
from orchestrator.octopus.folder import UnfitWeights, WeightsFolder, inspected
from orchestrator.octopus.prompt import PUBLISHED
from orchestrator.octopus.remote import Server
from orchestrator.settings import Model
from schemas.errors import HubError

log = logging.getLogger(__name__)

HUB, PUBLISHED_TOKENS = "hf:", range(21)
"""A server's weights are taken for ones that know the published functions."""
_GIB = 1 << 30


def load(model: Model, catalogue: Catalogue, embedded: Path) -> Decoder:
    """The decoder; `embedded` is the folder of the embedded weights in use. UnfitWeights or
    DamagedWeights is one line."""
    weights = EmbeddedModel(catalogue, embedded, model.threads or 1)
    own = Engine(weights)
    if model.url == "embedded:":
        return own
    if model.on_server:
        known = catalogue.only(PUBLISHED_TOKENS)
        return Cautious(Fallback(_single(server(model, known), known, model), own), weights)
    folder = usable(model)
    known = catalogue.only(folder.tokens)
    return Cautious(_single(_published(model, folder, known, own), known, model), weights)


def server(model: Model, known: Catalogue) -> Server:
    """The server at `model.url`; nothing is sent to it yet."""
    return Server(
        model.url, known, weights=model.weights, key=model.key(), timeout=model.timeout,
        prompt=model.prompt or PUBLISHED, several=model.parallel,
    )  # fmt: skip


def usable(model: Model) -> WeightsFolder:
    """The folder of `model.url`, once all that its weights need is there; UnfitWeights is one
    line."""
    _check_extra()
    folder = found(model.url)
    if short := lacking(folder, model.precision):
        raise UnfitWeights(short)
    return folder


def found(url: str) -> WeightsFolder:
    """The folder that `hf:` or a path names, downloaded if need be; UnfitWeights is one line."""
    if url.startswith(HUB):
        return inspected(_downloaded(url.removeprefix(HUB)))
    try:
        path = Path(url).expanduser()
    except RuntimeError as error:
        raise UnfitWeights(f"model.url: {url}: nobody here has that name") from error
    try:
        return inspected(path)
    except OSError as error:  # a folder in a home, for one, that a service may not enter
        raise UnfitWeights(f"model.url: {error.filename}: {error.strerror}") from error


def lacking(folder: WeightsFolder, precision: str) -> str:
    """What to say where the memory that is free now will not do; nothing where it will."""
    needed, free = folder.needs(precision), _free_memory()
    if free is None or needed <= free:
        return ""
    return (
        f"{folder.path} needs {needed / _GIB:.1f} GiB of memory and {free / _GIB:.1f} are free: "
        "use model.url = embedded:, a server, or a machine with more"
    )


def _check_extra() -> None:
    """UnfitWeights where what published weights need is not installed."""
    for name in ("torch", "transformers", "llguidance"):
        if importlib.util.find_spec(name) is None:
            raise UnfitWeights(f"{name} is not installed: pip install 'octopus-hub[published]'")


def _published(
    model: Model, folder: WeightsFolder, known: Catalogue, own: Engine[Pointing]
) -> Decoder:
    import torch

    from orchestrator.octopus.gemma import Gemma
    from orchestrator.octopus.published import PublishedModel

    torch.set_num_threads(model.threads or os.cpu_count() or 1)
    try:
        published = PublishedModel(
            model.url, folder, Gemma(folder.path, model.precision), known,
            prompt=model.prompt or PUBLISHED, several=model.parallel, draft=partial(_draft, own),
        )  # fmt: skip
    except HubError:
        raise
    except Exception as error:  # what transformers, safetensors and torch raise has no one base
        raise UnfitWeights(f"{folder.path} cannot be loaded: {_line(error)}") from error
    return Engine(published)


def _draft(own: Engine[Pointing], sentence: str) -> str:
    """What the embedded model would write; nothing about a sentence longer than it reads."""
    try:
        return own.decode(sentence).text
    except SentenceTooLong:
        return ""


def _single(decoder: Decoder, known: Catalogue, model: Model) -> Decoder:
    return decoder if model.parallel else Splitting(decoder, known, model.threshold)


def _downloaded(name: str) -> Path:
    """The snapshot of `ORGANISATION/NAME[@REVISION]`, from the cache where it is there."""
    from huggingface_hub import snapshot_download

    repository, _, revision = name.partition("@")
    get = partial(
        snapshot_download, repository, revision=revision or None,
        allow_patterns=["*.safetensors", "*.json"],
    )  # fmt: skip
    with suppress(OSError, ValueError):  # it is not there, or not all of it
        return Path(get(local_files_only=True))
    log.info("%s is not in the cache; it is downloaded", name)
    try:
        return Path(get())
    except Exception as error:  # the HTTP client's own come through, and it is not always the same
        raise UnfitWeights(
            f"{HUB}{name} cannot be had: {_line(error)} (or download it elsewhere and name its "
            "folder)"
        ) from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _free_memory() -> int | None:
    """Bytes that can be had without swapping; a service that sees only processes cannot know."""
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None
