"""Cars with a KUKSA databroker: VSS signals over gRPC (`kuksa.val.v2`)."""

import os

# gRPC's own core writes to stderr what it thinks of a connection; the hub says it itself.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from device_adapters.car.kuksa.driver import KuksaDriver

__all__ = ["KuksaDriver"]
