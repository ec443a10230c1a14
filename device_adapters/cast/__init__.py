"""Google Cast: Nest Hubs, Chromecasts, and the speakers and televisions that are like them."""

from device_adapters.cast.driver import CastDriver, CastOptions

__all__ = ["CastDriver", "CastOptions"]
