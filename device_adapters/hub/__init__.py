"""The hub itself as a device: what it looks up over the network, and the e-mail it sends."""

from device_adapters.hub.account import Account, Security
from device_adapters.hub.adapter import HubAdapter, serves
from device_adapters.hub.letter import mailbox
from device_adapters.hub.sources import Sources

__all__ = ["Account", "HubAdapter", "Security", "Sources", "mailbox", "serves"]
