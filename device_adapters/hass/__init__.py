"""Home Assistant's own API: every device that a household's Home Assistant knows."""

from device_adapters.hass.driver import HassDriver, HassOptions

__all__ = ["HassDriver", "HassOptions"]
