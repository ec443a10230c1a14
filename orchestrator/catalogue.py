"""The functions the hub knows, read from `functions/*.toml`: the one source for tokens, grammar,
router, data set and docs."""

from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path

from orchestrator import tomlfile
from orchestrator.nearest import hint
from schemas.device import Kind
from schemas.errors import InvalidSettings
from schemas.function import Effect, Function, ParameterType

IRRELEVANT = "irrelevant_function"
TOKENS = 56
"""Functional tokens the embedded weights have; those no function uses are free for new ones."""


class Catalogue:
    """Every function by name and by token; immutable once built."""

    def __init__(
        self, functions: Sequence[Function], files: Mapping[str, Path] | None = None
    ) -> None:
        """InvalidSettings where they do not fit together; it names the file, where it is given."""
        self._by_name = {function.name: function for function in functions}
        self._by_token = {function.token: function for function in functions}
        for number, function in enumerate(functions):
            if said := _mistake(function, functions[:number], self._by_name):
                where = files.get(function.name) if files else None
                line = f"function {function.name}: {said}"
                raise tomlfile.wrong(where, line) if where else InvalidSettings(line)

    def __iter__(self) -> Iterator[Function]:
        return iter(sorted(self._by_token.values(), key=lambda function: function.token))

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Function:
        return self._by_name[name]

    def reads(self, name: str) -> bool:
        """Whether a function only reads; one that is gone is taken for one that acts."""
        function = self._by_name.get(name)
        return function is not None and function.effect is Effect.READ

    def with_token(self, token: int) -> Function | None:
        """The function of `<nexa_{token}>`, or None."""
        return self._by_token.get(token)

    def only(self, tokens: Container[int]) -> "Catalogue":
        """The functions with these tokens; weights may know fewer than there are."""
        some = [function for function in self if function.token in tokens]
        names = {None, *(function.name for function in some)}
        alone = {"inverse": None}  # what undoes it is not among them
        return Catalogue([f if f.inverse in names else f.model_copy(update=alone) for f in some])

    @classmethod
    def load(cls, *folders: Path) -> "Catalogue":
        """Read every `*.toml` in the folders; InvalidSettings names the file and what is wrong."""
        if not any(folders[0].glob("*.toml")):
            raise InvalidSettings(f"{folders[0]}: no functions/*.toml found")
        files = [file for folder in folders for file in sorted(folder.glob("*.toml"))]
        found = [(function, file) for file in files for function in _read(file)]
        return cls([f for f, _ in found], {function.name: file for function, file in found})


def _read(file: Path) -> list[Function]:
    return functions_in(tomlfile.tables(file), file)


def parsed(text: str, file: Path) -> list[Function]:
    """The functions in a TOML text; InvalidSettings names the `file` it is from."""
    return functions_in(tomlfile.parsed(text, file), file)


def functions_in(said: Mapping[str, object], file: Path) -> list[Function]:
    """The functions that a file says; InvalidSettings names what is wrong."""
    entries = said.get("function", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise tomlfile.wrong(file, "function: functions are tables named [[function]]")
    if others := said.keys() - {"function"}:
        name = min(others)
        raise tomlfile.wrong(file, f"unknown key {name}; functions are tables named [[function]]")
    named = [(str(entry.get("name", n))[:40], entry) for n, entry in enumerate(entries, 1)]
    return [tomlfile.checked(Function, said, file, (f"function {name}: ",)) for name, said in named]


def _mistake(
    function: Function, before: Sequence[Function], known: Mapping[str, Function]
) -> str | None:
    """What is wrong with a function among the others, in a line; None if all is well."""
    names = [parameter.name for parameter in function.parameters]
    for other in before:
        if other.name == function.name:
            return "a name is used twice"
        if other.token == function.token:
            return f"a token is used twice: {function.token}, by {other.name} too"
    if not function.token < TOKENS:
        return f"token must be below {TOKENS}"
    if unknown := [kind for kind in function.kinds if kind not in set(Kind)]:
        return f"kinds: no kind {unknown[0]}{hint(unknown[0], Kind)}"
    if len(set(names)) < len(names):
        return "parameters: a parameter is named twice"
    for key in ("one_of", "any_of"):
        if missing := [name for name in getattr(function, key) if name not in names]:
            return f"{key}: no parameter {missing[0]}{hint(missing[0], names)}"
    if function.inverse and function.inverse not in known:
        return f"inverse: no function {function.inverse}{hint(function.inverse, known)}"
    for parameter in function.parameters:
        if (parameter.type is ParameterType.ENUM) != bool(parameter.values):
            return f"{parameter.name}: values go with type enum"
    return None
