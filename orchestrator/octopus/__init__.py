"""Sentence to functional-token text."""

import os

# ONNX Runtime tells Microsoft that it runs, from its import on; its own switch comes too late.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
