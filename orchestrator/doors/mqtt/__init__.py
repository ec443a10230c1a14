"""The MQTT door: commands and requests in, records, events and devices out."""

from orchestrator.doors.mqtt.door import MqttDoor
from orchestrator.doors.mqtt.home_assistant import HomeAssistant
from orchestrator.doors.mqtt.info import info

__all__ = ["HomeAssistant", "MqttDoor", "info"]
