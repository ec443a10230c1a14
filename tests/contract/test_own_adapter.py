"""The example of an adapter of one's own, as its howto tells to write, install and test one."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from device_adapters.testing import bare_site
from orchestrator import drivers, settings
from orchestrator.registry import Registry
from schemas.outcome import Evidence
from tests.broker import invocation
from tests.conftest import ROOT

EXAMPLE = ROOT / "docs" / "howto" / "own-adapter"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that holds the package as pip leaves it, for processes that are started."""
    folder = tmp_path / "packages"
    folder.mkdir()
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())
    for module in project["tool"]["setuptools"]["py-modules"]:
        shutil.copy(EXAMPLE / f"{module}.py", folder)
    name, version = project["project"]["name"], project["project"]["version"]
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in points.items())
        for group, points in project["project"]["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{ROOT}")
    return folder


async def test_its_own_tests_pass_without_any_plugin(installed: Path) -> None:
    shutil.copy(EXAMPLE / "test_octopus_shelly.py", installed)
    (installed / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", "-q", "-p", "no:asyncio", "-p", "no:cacheprovider",
        f"--basetemp={installed / 'temporary'}",
        cwd=installed, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await program.communicate()
    assert program.returncode == 0, said.decode()
    assert b" passed" in said
    assert b"skipped" not in said


def played_relay(monkeypatch: pytest.MonkeyPatch, installed: Path) -> Any:
    """The relay that the example's tests play."""
    monkeypatch.syspath_prepend(str(installed))
    where = importlib.util.spec_from_file_location("example", EXAMPLE / "test_octopus_shelly.py")
    assert where
    assert where.loader
    module = importlib.util.module_from_spec(where)
    where.loader.exec_module(module)
    return module.PlayedRelay()


async def test_a_hub_drives_its_device(
    tmp_path: Path, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = played_relay(monkeypatch, installed)
    await relay.start()
    (tmp_path / "hub.toml").write_text("")
    (tmp_path / "devices.toml").write_text(
        '[[device]]\nid = "hall"\nkind = "home"\nname = "Hall lamp"\nprotocol = "shelly"\n'
        f'address = {{ host = "127.0.0.1", port = "{relay.port}" }}\n'
    )
    drivers.offered.cache_clear()
    try:
        loaded, _ = settings.load(tmp_path)
        [(protocol, driver)] = drivers.loadable(["shelly"])
    finally:
        drivers.offered.cache_clear()
    spoken = driver(bare_site(tmp_path, driver.options()))
    registry = Registry(tmp_path / "devices.json", {protocol: spoken.adapter})
    registry.load(loaded.devices)
    done = await registry.reach("hall", invocation("turn_on", name="Hall lamp"))
    assert (done.evidence, relay.on) == (Evidence.VERIFIED, True)
    await registry.close()
    await relay.stop()


def test_the_howto_shows_the_files_as_they_are() -> None:
    howto = (EXAMPLE.parent / "own-adapter.md").read_text(encoding="utf-8")
    shown = (EXAMPLE / "octopus_shelly.py").read_text(encoding="utf-8")
    assert f"```python\n{shown}```" in howto
    project = (EXAMPLE / "pyproject.toml").read_text(encoding="utf-8")
    assert f"```toml\n{project}```" in howto
