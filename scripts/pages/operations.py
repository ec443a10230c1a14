"""Every operation, by each door."""

from pathlib import Path

from orchestrator.doors.http.api.routes import AT, ROUTES
from orchestrator.operations import OPERATIONS
from pages.fields import table

HEAD = f"""# The operations

Made by `scripts/reference` from `orchestrator/operations.py`; edit that, not this page.

Over MQTT an operation is asked for on `octopus/request/<user>/<operation>` with its fields as JSON,
and answered on `octopus/response/<user>/<operation>`, or where MQTT 5's response topic says. Over
HTTP it has a method and a path; what stands in the path is no part of the body, and of a GET the
fields are in the query. `{AT}/openapi.json` says what each answers, and what there is beside.
"""


def page(root: Path) -> str:
    """The whole page."""
    rows = ["| operation | | changes something | HTTP |", "|---|---|---|---|"]
    rows += [
        f"| [`{name}`](#{_anchor(name)}) | {known.summary} | {'yes' if known.changes else 'no'}"
        f" | {_http(name)} |"
        for name, known in OPERATIONS.items()
    ]
    return "\n".join([HEAD, *rows, "", *map(_section, OPERATIONS)])


def _anchor(name: str) -> str:
    return name.replace("/", "")


def _http(name: str) -> str:
    found = [f"`{route.method} {AT}{route.path}`" for route in ROUTES if route.operation == name]
    return "<br>".join(found).replace(":path", "") or "no"


def _section(name: str) -> str:
    request = OPERATIONS[name].request
    fields = table(request) if request.model_fields else "It takes no fields."
    return f"## {name}\n\n{OPERATIONS[name].summary}\n\n{fields}\n"
