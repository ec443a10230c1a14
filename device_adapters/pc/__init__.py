"""Personal computers: an agent (LNXlink, HASS.Agent) that speaks Home Assistant discovery."""

from device_adapters.pc.adapter import PcAdapter
from device_adapters.pc.functions import recognise

__all__ = ["PcAdapter", "recognise"]
