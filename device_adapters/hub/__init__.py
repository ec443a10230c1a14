"""The hub itself as a device: what it looks up over the network."""

from device_adapters.hub.adapter import HubAdapter

__all__ = ["HubAdapter"]
