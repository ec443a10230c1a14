"""A device made with ha-mqtt-discoverable, run as a program: `discoverable_device.py HOST PORT`.

It obeys what it is told over MQTT, and every line of its standard input, `["switch", "off"]`, calls
a method of one of its entities. It says `ready` once it has announced itself.
"""

import json
import sys

from ha_mqtt_discoverable import DeviceInfo, Settings
from ha_mqtt_discoverable.sensors import (
    BinarySensor,
    BinarySensorInfo,
    Button,
    ButtonInfo,
    Cover,
    CoverInfo,
    Light,
    LightInfo,
    Lock,
    LockInfo,
    Number,
    NumberInfo,
    Select,
    SelectInfo,
    Sensor,
    SensorInfo,
    Switch,
    SwitchInfo,
    Text,
    TextInfo,
    Valve,
    ValveInfo,
)

HOST, PORT = sys.argv[1], int(sys.argv[2])
DEVICE = DeviceInfo(
    name="Workshop", identifiers="workshop", manufacturer="Octopus", suggested_area="Cellar"
)
entities = {}


def add(kind, info, *, obey=None, **options):
    """Announce one entity; `obey` is called with every order's payload."""
    settings = Settings(
        mqtt=Settings.MQTT(host=HOST, port=PORT),
        entity=info(device=DEVICE, unique_id=f"workshop_{options['name']}", **options),
        manual_availability=True,
    )
    if obey is None:
        made = kind(settings)
    else:
        made = kind(settings, lambda _client, _data, message: obey(message.payload.decode()))
    entities[options["name"].lower()] = made
    made.write_config()
    made.set_availability(True)


def light(payload):
    order, lamp = json.loads(payload), entities["lamp"]
    if order["state"] == "OFF":
        lamp.off()
    elif "color" in order:
        lamp.color("rgb", order["color"])
    elif "brightness" in order:
        lamp.brightness(order["brightness"])
    else:
        lamp.on()


def by_word(entity, **methods):
    """Call the method that a payload names."""
    return lambda payload: getattr(entities[entity], methods[payload])()


add(Light, LightInfo, obey=light, name="Lamp", brightness=True, color_mode=True,
    supported_color_modes=["rgb"])  # fmt: skip
add(Switch, SwitchInfo, obey=by_word("saw", ON="on", OFF="off"), name="Saw")
add(Lock, LockInfo, obey=by_word("gate", LOCK="locked", UNLOCK="unlocked"), name="Gate")
add(Cover, CoverInfo, obey=by_word("shutter", OPEN="open", CLOSE="closed", STOP="stopped"),
    name="Shutter")  # fmt: skip
add(Valve, ValveInfo, obey=by_word("water", OPEN="open", CLOSE="closed"), name="Water")
add(Number, NumberInfo, obey=lambda payload: entities["speed"].set_value(float(payload)),
    name="Speed", min=0, max=50, step=5, unit_of_measurement="rpm")  # fmt: skip
add(Select, SelectInfo, obey=lambda payload: entities["mode"].select_option(payload),
    name="Mode", options=["Fine", "Coarse"])  # fmt: skip
add(Text, TextInfo, obey=lambda payload: entities["label"].set_text(payload), name="Label", max=20)
add(Button, ButtonInfo, obey=lambda payload: entities["presses"].set_state(payload), name="Horn")
add(Sensor, SensorInfo, name="Presses")
add(Sensor, SensorInfo, name="Temperature", device_class="temperature", unit_of_measurement="°C")
add(BinarySensor, BinarySensorInfo, name="Window", device_class="window")
sys.stdout.write("ready\n")
sys.stdout.flush()
for line in sys.stdin:
    name, method, *arguments = json.loads(line)
    getattr(entities[name], method)(*arguments)
