"""MQTT: a connection that keeps itself up."""

from device_adapters.mqtt.client import MqttClient
from device_adapters.mqtt.link import Message, Will

__all__ = ["Message", "MqttClient", "Will"]
