"""Every metric."""

from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from orchestrator.catalogue import Catalogue
from orchestrator.metrics import Metrics
from pages.fields import text

HEAD = """# The metrics

Made by `scripts/reference` from `orchestrator/metrics.py`; edit that, not this page. `GET /metrics`
of the HTTP door, with a token, tells them as Prometheus reads them. No label holds a device, a
person or anything that was said.

| metric | kind | labels | |
|---|---|---|---|"""


def page(root: Path) -> str:
    """The whole page."""
    model: Any = SimpleNamespace(pid=None)
    nobody: Any = SimpleNamespace(get=lambda device: None)
    metrics = Metrics(Catalogue.load(root / "config/functions"), nobody, model, _health)
    rows = [
        f"| `{one.name}` | {one.type} | {_labels(metrics, one)} | {text(one.documentation)} |"
        for one in sorted(metrics._all.collect(), key=lambda one: one.name)
    ]
    return "\n".join([HEAD, *rows, ""])


def _health() -> dict[str, Any]:
    nothing: dict[str, Any] = defaultdict(int)
    return nothing | {
        "journal": defaultdict(int), "model": defaultdict(int), "states": {"": 0},
        "waiting": {"": 0}, "version": "",
    }  # fmt: skip


def _labels(metrics: Metrics, one: Any) -> str:
    """What it is told apart by: of a sample, or of a counter that has none yet."""
    names = {name for sample in one.samples for name in sample.labels} - {"le"}
    if not names:
        kept = vars(metrics).values()
        found = [k for k in kept if getattr(k, "_name", None) == one.name]
        names = set(getattr(found[0], "_labelnames", ())) if found else set()
    return ", ".join(f"`{name}`" for name in sorted(names))
