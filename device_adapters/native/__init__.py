"""Devices under the hub's own MQTT topics: any program or microcontroller can be one."""

from device_adapters.native.driver import NativeDriver

__all__ = ["NativeDriver"]
