"""Every function of the catalogue."""

from pathlib import Path

from orchestrator.catalogue import TOKENS, Catalogue
from orchestrator.tokens import functional
from schemas.function import Function, Parameter

HEAD = """# The functions

Made by `scripts/reference` from `config/functions/*.toml`; edit those, not this page.

- **Parameter**: `name: type`, then what it may be. `= x` is the default; `?` may be left out
  without one; every other parameter is asked for when the sentence does not say it.
- **Effect**: what repeating a call does. `read` changes nothing, `set` leaves the same state,
  `once` is never repeated, `probeable` can be looked for on the device.
- **Risk**: what happens where the policy says nothing. `safe` runs, `confirm` asks first, `locked`
  is refused.
- **Kinds**: which kinds of devices can serve it, in the order they are preferred. Which functions
  one device really serves, `octopus devices` and `octopus/devices` say.
"""


def page(root: Path) -> str:
    """The whole page."""
    functions = list(Catalogue.load(root / "config/functions"))
    free = sorted(set(range(TOKENS)) - {function.token for function in functions})
    tail = f"Free tokens, for functions of your own: {', '.join(map(str, free))}.\n"
    return "\n".join([HEAD, *(section(function) for function in functions), tail])


def section(function: Function) -> str:
    """One function."""
    rows = [
        f"## `{functional(function.token)}` {function.name}",
        "",
        function.description,
        "",
        *(f"- {parameter(p)}" for p in function.parameters),
    ]
    if not function.parameters:
        rows.append("- no parameters")
    if function.one_of:
        rows.append(f"- needs one of: {', '.join(f'`{name}`' for name in function.one_of)}")
    facts = {
        "kinds": ", ".join(function.kinds) or "none",
        "result": function.result,
        "effect": function.effect,
        "risk": function.risk,
        "timeout": f"{function.timeout:g} s",
    }
    rows += ["", " · ".join(f"{name} **{value}**" for name, value in facts.items()), ""]
    return "\n".join(rows)


def parameter(described: Parameter) -> str:
    """One parameter in one line."""
    written = f"`{described.name}: {described.type}"
    if described.default is not None:
        written += f" = {described.default!r}"
    elif described.optional:
        written += "?"
    allowed = " | ".join(f"`{value}`" for value in described.values)
    if described.minimum is not None and described.maximum is not None:
        allowed = f"{described.minimum:g} to {described.maximum:g}"
    unit = f" {described.unit}" if described.unit else ""
    unasked = "; never asked for" if described.required and not described.grounded else ""
    return f"{written}`" + (f" {allowed}{unit}" if allowed else unit) + unasked
