"""A folder with published weights: whether the hub can use it, found out without loading it."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from orchestrator.catalogue import TOKENS
from orchestrator.tokens import END, functional
from schemas.errors import HubError

SUMS = "SHA256SUMS"
"""Where there is one (as `sha256sum * > SHA256SUMS` writes it), every file but hidden ones must be
named in it, and all that is named must have its hash."""
ARCHITECTURE = "GemmaForCausalLM"
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.pkl")


class UnfitWeights(HubError):
    """The folder's weights cannot be used."""

    code = "weights"


@dataclass(frozen=True)
class WeightsFolder:
    """What is known of a folder that can be used."""

    path: Path
    tokenizer: Tokenizer
    tokens: frozenset[int]  # the functional tokens its tokenizer has
    size: int  # bytes of weights

    def needs(self, precision: str) -> int:
        """Bytes of memory while loading, the most there will be: the weights are read in bf16, and
        packed layer by layer."""
        packing = 1 << 29 if precision == "int8" else 0
        return self.size + packing + (1 << 29)


def inspected(path: Path) -> WeightsFolder:
    """The folder, once everything that can be checked beforehand was; UnfitWeights is one line."""
    if not path.is_dir():
        raise UnfitWeights(f"model.url: {path} is no folder")
    _check_configuration(path)
    weights = sorted(path.glob("*.safetensors"))
    if not weights:
        raise UnfitWeights(f"{path}: there are no *.safetensors{_pickled(path)}")
    _check_sums(path)
    tokenizer = _tokenizer(path / "tokenizer.json")
    known = (n for n in range(TOKENS) if tokenizer.token_to_id(functional(n)) is not None)
    tokens = frozenset(known)
    if not tokens or tokenizer.token_to_id(END) is None:
        raise UnfitWeights(
            f"{path}/tokenizer.json knows no functional tokens ({functional(0)} … {END}): "
            "these are other weights"
        )
    return WeightsFolder(path, tokenizer, tokens, sum(file.stat().st_size for file in weights))


def _pickled(path: Path) -> str:
    found = [file.name for kind in _PICKLED for file in sorted(path.glob(kind))]
    return f": {found[0]} is pickled, and loading it would run what is in it" if found else ""


def _check_configuration(path: Path) -> None:
    try:
        told = json.loads((path / "config.json").read_text(encoding="utf-8"))
        architectures, code = told.get("architectures"), told.get("auto_map")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise UnfitWeights(f"{path}/config.json cannot be read: {error}") from error
    if code:
        raise UnfitWeights(f"{path} wants code of its own to be run (auto_map): it never is")
    if architectures != [ARCHITECTURE]:
        raise UnfitWeights(f"{path} holds {architectures}; {ARCHITECTURE} is what can be run")
    if told.get("quantization_config"):
        raise UnfitWeights(f"{path} holds quantized weights; the hub takes the full ones")


def _check_sums(path: Path) -> None:
    if not (path / SUMS).exists():
        return
    try:
        lines = (path / SUMS).read_text(encoding="utf-8").splitlines()
        named = (line.split(maxsplit=1) for line in lines if line.strip())
        wanted = {name.strip().removeprefix("*"): digest for digest, name in named} | {SUMS: ""}
    except (OSError, ValueError) as error:
        raise UnfitWeights(f"{path / SUMS} is not what sha256sum writes") from error
    for file in sorted(path.iterdir()):
        if file.is_file() and file.name not in wanted and file.name[0] != ".":
            raise UnfitWeights(f"{file} is not named in {SUMS}")
    for name in sorted(wanted.keys() - {SUMS}):  # which names itself if it is made anew
        if not (path / name).is_file():
            raise UnfitWeights(f"{path / name} is named in {SUMS} and is not there")
        if _digest(path / name) != wanted[name]:
            raise UnfitWeights(f"{path / name} was altered: its hash is not the one in {SUMS}")


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise UnfitWeights(f"{file} cannot be read: {error.strerror}") from error


def _tokenizer(file: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(file))
    except Exception as error:
        raise UnfitWeights(f"{file} cannot be read: {' '.join(str(error).split())}") from error
