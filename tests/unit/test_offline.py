"""Nothing that the hub is made of tells anybody outside that it runs."""

import subprocess
import sys

import pytest

LOOK = """
import os, sys

class Watch:
    def find_spec(self, name, *_):
        if name == "onnxruntime":
            print(os.environ.get("ORT_DISABLE_TELEMETRY"))

sys.meta_path.insert(0, Watch())
__import__(sys.argv[1])
"""


@pytest.mark.parametrize(
    "module", ["orchestrator.octopus.embedded", "orchestrator.octopus.worker", "training.export"]
)
def test_onnx_runtime_is_told_to_be_silent_before_it_is_imported(module: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOOK, module], capture_output=True, text=True, check=True
    )
    assert told.stdout == "1\n"
