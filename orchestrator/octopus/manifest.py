"""A folder of embedded weights: its files, and that they are the ones its manifest names."""

import hashlib
from pathlib import Path

from pydantic import Field, ValidationError

from orchestrator import taught
from schemas.base import Value
from schemas.errors import HubError

WEIGHTS = Path(__file__).parent / "weights"
"""The weights in the package."""
READER, DECIDER, TAUGHT = "reader.int8.onnx", "decider.int8.onnx", "taught.int8.onnx"
CAUTION, TOKENIZER = "caution.int8.onnx", "tokenizer.json"


class DamagedWeights(HubError):
    """The weights' files are not those the manifest names."""

    code = "weights"


class Manifest(Value):
    """`manifest.json`: what the weights know, their sizes, the hash of each file, and what scores
    are divided by, so that a confidence is how often it is right (training/calibrate.py).

    `taught`: functional tokens of functions a person taught; the second decider's word for one of
    them counts where it is at least `sure` of it, and is its confidence as it is.

    `caution`: the kinds of sentences that are told apart, first those that may be acted on; none
    where the weights do not tell.
    """

    actions: tuple[str, ...]
    slots: tuple[str, ...]
    shape: dict[str, int]
    sha256: dict[str, str]
    temperature: float = 1.0
    taught: tuple[int, ...] = ()
    sure: float = Field(default=1.0, ge=0.5, le=1.0)
    caution: tuple[str, ...] = ()


def manifest_of(folder: Path, *more: str) -> Manifest:
    """The manifest, once the files that decoding needs, and `more`, have the hashes it names."""
    try:
        manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
        second = [TAUGHT] if manifest.taught else []
        caution = [CAUTION] if manifest.caution else []
        for name in (READER, DECIDER, TOKENIZER, *second, *caution, *more):
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != manifest.sha256[name]:
                raise DamagedWeights(f"{folder / name} is damaged or altered: {mend(folder)}")
    except ValidationError as error:
        what = error.errors()[0]["msg"]
        raise DamagedWeights(f"{folder}: cannot read the weights' manifest: {what}") from error
    except (OSError, KeyError) as error:
        raise DamagedWeights(
            f"{folder}: cannot read the weights: {error}: {mend(folder)}"
        ) from error
    return manifest


def mend(folder: Path) -> str:
    """What helps against weights that will not do."""
    return (
        "octopus teach --undo" if folder.parent.name == taught.FOLDER else "reinstall octopus-hub"
    )
