"""Which model `model.url` means, made ready to decode."""

import logging
import os
from pathlib import Path

from orchestrator.catalogue import Catalogue
from orchestrator.octopus.clauses import Decoder, Splitting
from orchestrator.octopus.embedded import EmbeddedModel, Pointing
from orchestrator.octopus.engine import Engine
from orchestrator.octopus.fallback import Fallback
from orchestrator.octopus.folder import UnfitWeights, WeightsFolder, inspected
from orchestrator.octopus.prompt import PUBLISHED
from orchestrator.octopus.remote import Server
from orchestrator.settings import Model

log = logging.getLogger(__name__)

HUB, PUBLISHED_TOKENS = "hf:", range(21)
"""A server's weights are taken for ones that know the published functions."""
_GIB = 1 << 30


def load(model: Model, catalogue: Catalogue, embedded: Path) -> Decoder:
    """The decoder; `embedded` is the folder of the embedded weights in use. UnfitWeights or
    DamagedWeights is one line."""
    own = Engine(EmbeddedModel(catalogue, embedded, model.threads or 1))
    if model.url == "embedded:":
        return own
    if model.url.startswith("http"):
        known = catalogue.only(PUBLISHED_TOKENS)
        server = Server(
            model.url, known, weights=model.weights, key=model.key(), timeout=model.timeout,
            prompt=model.prompt or PUBLISHED, several=model.parallel,
        )  # fmt: skip
        return Fallback(_single(server, known, model), own)
    folder = found(model.url)
    known = catalogue.only(folder.tokens)
    return _single(_published(model, folder, known, own), known, model)


def found(url: str) -> WeightsFolder:
    """The folder that `hf:` or a path names, downloaded if need be; UnfitWeights is one line."""
    path = _downloaded(url.removeprefix(HUB)) if url.startswith(HUB) else Path(url).expanduser()
    return inspected(path)


def lacking(folder: WeightsFolder, precision: str) -> str:
    """What to say where the memory that is free now will not do; nothing where it will."""
    needed, free = folder.needs(precision), _free_memory()
    if needed <= free:
        return ""
    return (
        f"{folder.path} needs {needed / _GIB:.1f} GiB of memory and {free / _GIB:.1f} are free: "
        "use model.url = embedded:, a server, or a machine with more"
    )


def _published(
    model: Model, folder: WeightsFolder, known: Catalogue, own: Engine[Pointing]
) -> Decoder:
    if short := lacking(folder, model.precision):
        raise UnfitWeights(short)
    try:
        import torch

        from orchestrator.octopus.gemma import Gemma
        from orchestrator.octopus.published import PublishedModel
    except ImportError as error:
        raise UnfitWeights(f"{error}: pip install 'octopus-hub[published]'") from error
    torch.set_num_threads(model.threads or os.cpu_count() or 1)
    try:
        gemma = Gemma(folder.path, model.precision)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        line = str(error).strip().splitlines()[0]
        raise UnfitWeights(f"{folder.path} cannot be loaded: {line}") from error
    return Engine(
        PublishedModel(
            model.url, folder, gemma, known, prompt=model.prompt or PUBLISHED,
            several=model.parallel, draft=lambda sentence: own.decode(sentence).text,
        )
    )  # fmt: skip


def _single(decoder: Decoder, known: Catalogue, model: Model) -> Decoder:
    return decoder if model.parallel else Splitting(decoder, known, model.threshold)


def _downloaded(name: str) -> Path:
    """The snapshot of `ORGANISATION/NAME[@REVISION]`, from the cache where it is there."""
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise UnfitWeights(f"{error}: pip install 'octopus-hub[published]'") from error
    repository, _, revision = name.partition("@")
    wanted = ["*.safetensors", "*.json"]
    for offline in (True, False):
        try:
            return Path(
                snapshot_download(
                    repository, revision=revision or None, allow_patterns=wanted,
                    local_files_only=offline,
                )
            )  # fmt: skip
        except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
            why = str(error).strip().splitlines()[0]
        log.info("%s is not in the cache; it is downloaded", name)
    raise UnfitWeights(
        f"{HUB}{name} cannot be had: {why} (or download it elsewhere and name its folder)"
    )


def _free_memory() -> int:
    """Bytes that can be had without swapping."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0
