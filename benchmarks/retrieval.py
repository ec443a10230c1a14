"""The other way to call functions: the nearest descriptions in the prompt of a general model.

All-MiniLM-L6-v2 embeds the sentence and every function's description; the five nearest stand in the
prompt, in the style the published weights learned theirs in.
"""

import torch
from tokenizers import Tokenizer
from torch.nn import functional as F

from orchestrator.catalogue import Catalogue
from schemas.function import Function, Parameter
from training import minilm
from training.model import Reader, Shape

NEAREST = 5
_TYPES = {"integer": "int", "number": "float", "boolean": "bool"}
_ASKED = """You control the devices of a home. Choose the function that does what the user asks for, \
and give its parameters in the order of its signature. Answer with one line of JSON, such as \
{{"name": "function", "arguments": ["first", "second"]}}, and nothing else. If no function fits, \
answer {{"name": "irrelevant_function", "arguments": []}}.

Functions:

{functions}

Query: {query}

Response:"""


def described(function: Function) -> str:
    """A function as Python would show it."""
    names = ", ".join(p.name for p in function.parameters)
    lines = [f"def {function.name}({names}):", '    """', f"    {function.description}", ""]
    if function.parameters:
        lines += ["    Parameters:", *(f"    - {_described(p)}" for p in function.parameters), ""]
    returns = function.result.value if function.result.value != "none" else "None"
    return "\n".join([*lines, "    Returns:", f"    - {returns}", '    """'])


def _described(parameter: Parameter) -> str:
    said = [f"{parameter.name} ({_TYPES.get(parameter.type.value, 'str')}): "
            f"The {parameter.name.replace('_', ' ')} as a {parameter.type.value}."]  # fmt: skip
    if parameter.values:
        said.append(f"One of {', '.join(map(repr, parameter.values))}.")
    if parameter.minimum is not None:
        said.append(f"From {parameter.minimum:g} to {parameter.maximum:g}.")
    if parameter.unit:
        said.append(f"In {parameter.unit}.")
    if not parameter.required:
        said.append(f"Optional, {parameter.default!r} by default.")
    return " ".join(said)


class Retrieval:
    """The descriptions of a catalogue, and which are nearest to a sentence."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._reader = Reader(Shape(1, 1)).eval()
        self._reader.start_from_minilm()
        self._tokenizer = Tokenizer.from_file(str(minilm.TOKENIZER))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.texts = [described(function) for function in catalogue]
        self._vectors = torch.stack([self._vector(text) for text in self.texts])

    def prompt(self, sentence: str, count: int = NEAREST) -> str:
        """With the `count` nearest descriptions."""
        near = (self._vectors @ self._vector(sentence)).argsort(descending=True)[:count]
        functions = "\n\n".join(self.texts[at] for at in near)
        return _ASKED.format(functions=functions, query=sentence)

    def tokens(self, text: str) -> list[int]:
        """As MiniLM's tokenizer cuts it, which has about as many pieces as Llama's."""
        found: list[int] = self._tokenizer.encode(text).ids
        return found

    @torch.inference_mode()
    def _vector(self, text: str) -> torch.Tensor:
        """The mean over the pieces, of length 1."""
        ids = torch.tensor([self._tokenizer.encode(text).ids[:256]])
        read = self._reader(ids, None)[0]
        return F.normalize(read.mean(0), dim=0)
