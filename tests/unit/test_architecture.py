"""The import rule that newcomers read is the one that is checked."""

import configparser
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_import_rule_of_the_docs_is_the_one_that_is_checked() -> None:
    checked = configparser.ConfigParser()
    checked.read(ROOT / ".importlinter", encoding="utf-8")
    layers = checked["importlinter:contract:layers"]["layers"].split("\n")
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    shown = text.partition("## The import rule")[2].split("```")[1].split("\n")
    named = [line for line in shown if line and not line.startswith("#")]
    assert named == [line.replace("orchestrator.", "") for line in layers if line]


def test_every_module_stands_in_the_import_rule() -> None:
    checked = configparser.ConfigParser()
    checked.read(ROOT / ".importlinter", encoding="utf-8")
    names = set(checked["importlinter:contract:layers"]["layers"].replace("|", " ").split())
    found = {path.stem for path in (ROOT / "orchestrator").iterdir() if _is_module(path)}
    assert found - {name.removeprefix("orchestrator.") for name in names} == set()


def _is_module(path: Path) -> bool:
    code = path.suffix == ".py" or (path / "__init__.py").exists()
    return code and path.stem not in ("__init__", "__main__")
