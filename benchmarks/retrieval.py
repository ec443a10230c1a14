"""The other way to call functions: the nearest descriptions in the prompt of a general model.

All-MiniLM-L6-v2 embeds the sentence and every function's description; the five nearest stand in
the prompt: as Python shows a function, which is how the published weights learned theirs, or as the
JSON schema that tools are described with today.
"""

import json
from collections.abc import Callable
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn

from orchestrator.catalogue import Catalogue
from schemas.function import Function, Parameter, ParameterType
from training import minilm
from training.model import Reader, Shape

NEAREST = 5
_PYTHON = {
    ParameterType.INTEGER: "int",
    ParameterType.NUMBER: "float",
    ParameterType.BOOLEAN: "bool",
}
_JSON = {kind: kind.value for kind in _PYTHON}
_ASKED = """You control the devices of a home. Choose the function that does what the user asks
for, and give its parameters in the order of its signature. Answer with one line of JSON, such as
{{"name": "function", "arguments": ["first", "second"]}}, and nothing else. If no function fits,
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


def schema(function: Function) -> str:
    """A function as OpenAI's interface and those like it take it."""
    wanted = {p.name: _property(p) for p in function.parameters}
    required = [p.name for p in function.parameters if p.required]
    parameters = {"type": "object", "properties": wanted, "required": required}
    told = {"name": function.name, "description": function.description, "parameters": parameters}
    return json.dumps({"type": "function", "function": told})


def _described(parameter: Parameter) -> str:
    said = [f"{parameter.name} ({_PYTHON.get(parameter.type, 'str')}): {_meaning(parameter)}"]
    if parameter.values:
        said.append(f"One of {', '.join(map(repr, parameter.values))}.")
    if parameter.minimum is not None:
        said.append(f"From {parameter.minimum:g} to {parameter.maximum:g}.")
    if parameter.unit:
        said.append(f"In {parameter.unit}.")
    if not parameter.required:
        said.append(f"Optional, {parameter.default!r} by default.")
    return " ".join(said)


def _property(parameter: Parameter) -> dict[str, Any]:
    told = {
        "type": _JSON.get(parameter.type, "string"),
        "description": _meaning(parameter),
        "enum": list(parameter.values) or None,
        "minimum": parameter.minimum,
        "maximum": parameter.maximum,
        "default": parameter.default,
    }
    return {key: value for key, value in told.items() if value is not None}


def _meaning(parameter: Parameter) -> str:
    return f"The {parameter.name.replace('_', ' ')} as a {parameter.type.value}."


class Retrieval:
    """The descriptions of a catalogue, and which are nearest to a sentence."""

    def __init__(
        self, catalogue: Catalogue, describe: Callable[[Function], str] = described
    ) -> None:
        self._reader = Reader(Shape(1, 1)).eval()
        self._reader.start_from_minilm()
        self._tokenizer = Tokenizer.from_file(str(minilm.TOKENIZER))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.texts = [describe(function) for function in catalogue]
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
        return nn.functional.normalize(read.mean(0), dim=0)
