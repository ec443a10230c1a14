"""Android phones over adb."""

from device_adapters.android.adapter import AndroidAdapter

__all__ = ["AndroidAdapter"]
