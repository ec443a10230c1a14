"""A function's parameters as JSON schema, for a foreign model; pure."""

from typing import Any

from schemas.function import Effect, Function, Parameter, ParameterType, Risk

LONGEST = 1_000
"""Characters of a text argument; the hub itself takes no longer sentence."""
_TYPES = {
    ParameterType.INTEGER: "integer",
    ParameterType.NUMBER: "number",
    ParameterType.BOOLEAN: "boolean",
}
_FORMS = {
    ParameterType.TIME: "HH:MM, or a length of time such as PT5M",
    ParameterType.DATETIME: "local time, YYYY-MM-DDTHH:MM",
    ParameterType.PHONE_NUMBER: "a number with its country code, such as +15550100, or a name",
    ParameterType.EMAIL: "an e-mail address, or a contact's name",
    ParameterType.LANGUAGE: "a language's ISO 639-1 code, such as en",
    ParameterType.CONTACT: "a contact's name as the user says it, or a number",
    ParameterType.URL: "an http or https address",
    ParameterType.ENTITY: "a device of the home as the user calls it",
    ParameterType.COLOR: "a colour's CSS name, or #rrggbb",
}


def device_key(function: Function) -> str:
    """What the argument is called that says on which device; no parameter is called so."""
    names = {parameter.name for parameter in function.parameters}
    return next(key for key in ("device", "on_device", "octopus_device") if key not in names)


def schema(function: Function) -> dict[str, Any]:
    """What the function takes, and on which device; an object without other keys."""
    where = {"type": "string", "description": "The device's id or name; left out: the hub chooses."}
    properties = {parameter.name: _property(parameter) for parameter in function.parameters}
    return {
        "type": "object",
        "properties": properties | {device_key(function): where},
        "required": [p.name for p in function.parameters if p.required],
        "additionalProperties": False,
    }


def description(function: Function) -> str:
    """What the function does, and what its schema alone does not say."""
    said = [function.description]
    # Clients' models take no oneOf at the top of a schema.
    if function.one_of:
        said.append(f"Give exactly one of {', '.join(function.one_of)}.")
    if function.any_of:
        said.append(f"Give at least one of {', '.join(function.any_of)}.")
    if function.risk is not Risk.SAFE:
        said.append("A person is asked before it is done.")
    return " ".join(said)


def hints(function: Function) -> dict[str, bool]:
    """What calling it, and calling it again, does to the world."""
    reads = function.effect is Effect.READ
    return {
        "read_only_hint": reads,
        "destructive_hint": not reads
        and (function.effect is Effect.ONCE or function.risk is not Risk.SAFE),
        "idempotent_hint": reads or function.effect is Effect.SET,
    }


def _property(parameter: Parameter) -> dict[str, Any]:
    kind = _TYPES.get(parameter.type, "string")
    made: dict[str, Any] = {"type": kind}
    if parameter.values:
        made["enum"] = list(parameter.values)
    elif kind == "string":
        made["maxLength"] = LONGEST
    if parameter.minimum is not None:
        made["minimum"] = _number(parameter.minimum, kind)
    if parameter.maximum is not None:
        made["maximum"] = _number(parameter.maximum, kind)
    if parameter.default is not None:
        made["default"] = parameter.default
    unit = f"in {parameter.unit}" if parameter.unit else ""
    if said := _FORMS.get(parameter.type) or unit:
        made["description"] = said
    return made


def _number(value: float, kind: str) -> float | int:
    return int(value) if kind == "integer" else value
