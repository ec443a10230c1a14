"""What whoever writes an adapter runs against it, with pytest: `AdapterContract`."""

from device_adapters.testing.bench import Bench, bare_site, functions
from device_adapters.testing.contract import AdapterContract

__all__ = ["AdapterContract", "Bench", "bare_site", "functions"]
