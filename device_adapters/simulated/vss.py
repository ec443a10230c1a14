"""The signals of a simulated car, by VSS 6, and what ordering them does."""

from __future__ import annotations

from typing import NamedTuple

from schemas.base import Scalar

FIELDS = {
    "boolean": "bool", "string": "string", "float": "float", "double": "double",
    "int8": "int32", "uint8": "uint32", "uint16": "uint32", "uint32": "uint32",
}  # fmt: skip
"""By VSS's data type, the field of a protocol's value that holds it."""
_ROOF = "Vehicle.Cabin.Sunroof"
_CHARGE = "Vehicle.Powertrain.TractionBattery.Charging"
_ROOF_GOES = {
    "ONE_SHOT_OPEN": 100, "OPEN": 100, "ONE_SHOT_CLOSE": 0, "CLOSE": 0,
    "TILT_UP": -100, "TILT_DOWN": 0,
}  # fmt: skip


class Entry(NamedTuple):
    """One signal of the tree."""

    kind: str  # VSS's data type
    value: Scalar | None = None
    actuator: bool = False
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] = ()
    unit: str = ""


def _doors() -> dict[str, Entry]:
    tree = {}
    for row in ("Row1", "Row2"):
        for side in ("DriverSide", "PassengerSide"):
            door = f"Vehicle.Cabin.Door.{row}.{side}"
            tree[f"{door}.IsLocked"] = Entry("boolean", True, actuator=True)
            tree[f"{door}.IsOpen"] = Entry("boolean", False)
            tree[f"{door}.Window.Position"] = Entry("uint8", 0, True, 0, 100)
    return tree


def _seats() -> dict[str, Entry]:
    tree = {}
    for side, position in (("DriverSide", 120), ("PassengerSide", 0)):
        seat = f"Vehicle.Cabin.Seat.Row1.{side}"
        tree[f"{seat}.Position"] = Entry("uint16", position, True, 0, 300)
        tree[f"{seat}.Height"] = Entry("uint16", 20, True, 0)
    return tree


def standard() -> dict[str, Entry]:
    """A left-hand drive electric car, as far as VSS 6 describes it and the functions need it."""
    station = "Vehicle.Cabin.HVAC.Station"
    roof_words = ("INACTIVE", "CLOSE", "OPEN", "ONE_SHOT_CLOSE", "ONE_SHOT_OPEN", "TILT_UP",
                  "TILT_DOWN")  # fmt: skip
    light_words = ("OFF", "POSITION", "DAYTIME_RUNNING_LIGHTS", "AUTO", "BEAM")
    return {
        "Vehicle.Speed": Entry("float", 0.0),
        "Vehicle.VehicleIdentification.VIN": Entry("string", "WBY11CF080CH00001"),
        "Vehicle.VehicleIdentification.Brand": Entry("string", "Eclipse"),
        "Vehicle.VehicleIdentification.Model": Entry("string", "Leda"),
        "Vehicle.Cabin.DriverPosition": Entry("string", "LEFT"),
        **_doors(),
        **_seats(),
        f"{station}.Row1.Driver.Temperature": Entry("int8", 20, True, -50, 50),
        f"{station}.Row1.Passenger.Temperature": Entry("int8", 20, True, -50, 50),
        f"{_ROOF}.Position": Entry("int8", 0, False, -100, 100),
        f"{_ROOF}.Switch": Entry("string", "INACTIVE", True, allowed=roof_words),
        "Vehicle.Cabin.Lights.IsDomeOn": Entry("boolean", False, actuator=True),
        "Vehicle.Cabin.Infotainment.Media.Volume": Entry("uint8", 40, True, 0, 100),
        "Vehicle.Body.Horn.IsActive": Entry("boolean", False, actuator=True),
        "Vehicle.Body.Lights.Beam.Low.IsOn": Entry("boolean", False, actuator=True),
        "Vehicle.Body.Lights.Fog.Rear.IsOn": Entry("boolean", False, actuator=True),
        "Vehicle.Body.Lights.Hazard.IsSignaling": Entry("boolean", False, actuator=True),
        "Vehicle.Body.Lights.LightSwitch": Entry("string", "AUTO", True, allowed=light_words),
        f"{_CHARGE}.StartStopCharging": Entry("string", None, True, allowed=("START", "STOP")),
        f"{_CHARGE}.IsCharging": Entry("boolean", False),
        "Vehicle.Powertrain.TractionBattery.StateOfCharge.Displayed": Entry("float", 81.4),
        "Vehicle.Powertrain.TractionBattery.Range": Entry("uint32", 312_400),
        "Vehicle.CurrentLocation.Latitude": Entry("double", 37.5665),
        "Vehicle.CurrentLocation.Longitude": Entry("double", 126.978),
    }


def effects(path: str, value: Scalar) -> dict[str, Scalar]:
    """What the car reports once an actuator was set."""
    reported = {path: value}
    if path == f"{_ROOF}.Switch" and value in _ROOF_GOES:
        reported[f"{_ROOF}.Position"] = _ROOF_GOES[str(value)]
    if path == f"{_CHARGE}.StartStopCharging":
        reported[f"{_CHARGE}.IsCharging"] = value == "START"
    return reported


def out_of_bounds(path: str, entry: Entry, value: Scalar) -> str:
    """The databroker's words where a signal does not take a value."""
    if entry.allowed and value not in entry.allowed:
        offered = ", ".join(entry.allowed)
        return (
            f"Out of bounds allowed value provided for {path}: {value}"
            f" | Expected values [{offered}]"
        )
    if isinstance(value, bool | str):
        return ""
    low, high = entry.minimum, entry.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        return (
            f"Out of bounds min/max value provided for {path}: {value}"
            f" | Expected range [min: {low}, max: {high}]"
        )
    return ""
