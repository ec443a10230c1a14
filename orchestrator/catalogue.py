"""The functions the hub knows, read from `functions/*.toml`: the one source for tokens, grammar,
router, data set and docs."""

import tomllib
from collections.abc import Container, Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from schemas.errors import InvalidSettings
from schemas.function import Effect, Function, ParameterType

IRRELEVANT = "irrelevant_function"
TOKENS = 56
"""Functional tokens the embedded weights have; those no function uses are free for new ones."""


class Catalogue:
    """Every function by name and by token; immutable once built."""

    def __init__(self, functions: Sequence[Function]) -> None:
        self._by_name = {function.name: function for function in functions}
        self._by_token = {function.token: function for function in functions}
        if len(self._by_name) < len(functions) or len(self._by_token) < len(functions):
            raise InvalidSettings("functions: a name or a token is used twice")
        for function in functions:
            _check(function, self._by_name)

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
        return cls([function for file in files for function in _read(file)])


def _read(file: Path) -> list[Function]:
    try:
        return parsed(file.read_text(encoding="utf-8"), file)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{file}: {error}") from error


def parsed(text: str, file: Path) -> list[Function]:
    """The functions in a TOML text; InvalidSettings names the `file` it is from."""
    try:
        entries = tomllib.loads(text).get("function", [])
    except tomllib.TOMLDecodeError as error:
        raise InvalidSettings(f"{file}: {error}") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidSettings(f"{file}: functions are tables named [[function]]")
    functions = []
    for entry in entries:
        try:
            # TOML has neither tuples nor enums, so the strict values are read leniently here.
            functions.append(Function.model_validate(entry, strict=False))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            name = entry.get("name", "?")
            raise InvalidSettings(f"{file}: function {name}: {where}: {first['msg']}") from error
    return functions


def _check(function: Function, known: dict[str, Function]) -> None:
    names = [parameter.name for parameter in function.parameters]
    if not 0 <= function.token < TOKENS:
        raise InvalidSettings(f"function {function.name}: token must be below {TOKENS}")
    if len(set(names)) < len(names):
        raise InvalidSettings(f"function {function.name}: a parameter is named twice")
    if missing := {*function.one_of, *function.any_of} - set(names):
        raise InvalidSettings(f"function {function.name}: no parameter {missing.pop()}")
    if function.inverse and function.inverse not in known:
        raise InvalidSettings(f"function {function.name}: inverse: no function {function.inverse}")
    for parameter in function.parameters:
        if (parameter.type is ParameterType.ENUM) != bool(parameter.values):
            raise InvalidSettings(
                f"function {function.name}: {parameter.name}: values go with type enum"
            )
