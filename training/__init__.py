"""How the embedded weights are made; never imported by the daemon."""

import orchestrator.octopus  # noqa: F401 (before ONNX Runtime: see there)
