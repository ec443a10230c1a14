"""Where VSS 6 keeps what the functions need: pure."""

from __future__ import annotations

from collections.abc import Mapping

SPEED = "Vehicle.Speed"
DRIVER_SIDE = "Vehicle.Cabin.DriverPosition"
BRAND = "Vehicle.VehicleIdentification.Brand"
MODEL = "Vehicle.VehicleIdentification.Model"
VIN = "Vehicle.VehicleIdentification.VIN"

_PLACES = ("Row1.DriverSide", "Row1.PassengerSide", "Row2.DriverSide", "Row2.PassengerSide")
LOCKS = tuple(f"Vehicle.Cabin.Door.{place}.IsLocked" for place in _PLACES)
OPEN_DOORS = tuple(f"Vehicle.Cabin.Door.{place}.IsOpen" for place in _PLACES)
WINDOWS = tuple(f"Vehicle.Cabin.Door.{place}.Window.Position" for place in _PLACES)
CLIMATE: Mapping[str, tuple[str, ...]] = {
    "driver": ("Vehicle.Cabin.HVAC.Station.Row1.Driver.Temperature",),
    "passenger": ("Vehicle.Cabin.HVAC.Station.Row1.Passenger.Temperature",),
    "rear": (
        "Vehicle.Cabin.HVAC.Station.Row2.Driver.Temperature",
        "Vehicle.Cabin.HVAC.Station.Row2.Passenger.Temperature",
    ),
}
SEATS: Mapping[str, str] = {
    "driver": "Vehicle.Cabin.Seat.Row1.DriverSide",
    "passenger": "Vehicle.Cabin.Seat.Row1.PassengerSide",
}
SEAT_MOVES: Mapping[str, tuple[str, int]] = {
    "forward": ("Position", -1),
    "backward": ("Position", 1),
    "up": ("Height", 1),
    "down": ("Height", -1),
}
"""The end of a seat's path, and which way its number goes; 0 is foremost and lowest."""
ROOF_SWITCH = "Vehicle.Cabin.Sunroof.Switch"
ROOF = "Vehicle.Cabin.Sunroof.Position"
HORN = "Vehicle.Body.Horn.IsActive"
HAZARD = "Vehicle.Body.Lights.Hazard.IsSignaling"
LIGHT_SWITCH = "Vehicle.Body.Lights.LightSwitch"
LIGHTS: Mapping[str, tuple[str, ...]] = {
    "headlights": ("Vehicle.Body.Lights.Beam.Low.IsOn",),
    "fog lights": ("Vehicle.Body.Lights.Fog.Front.IsOn", "Vehicle.Body.Lights.Fog.Rear.IsOn"),
    "hazard lights": (HAZARD,),
    "interior lights": ("Vehicle.Cabin.Lights.IsDomeOn",),
}
CHARGE = "Vehicle.Powertrain.TractionBattery.Charging.StartStopCharging"
CHARGING = "Vehicle.Powertrain.TractionBattery.Charging.IsCharging"
VOLUME = "Vehicle.Cabin.Infotainment.Media.Volume"
BATTERY = (
    "Vehicle.Powertrain.TractionBattery.StateOfCharge.Displayed",
    "Vehicle.Powertrain.TractionBattery.StateOfCharge.Current",
)
RANGE = ("Vehicle.Powertrain.Range", "Vehicle.Powertrain.TractionBattery.Range")
LATITUDE = "Vehicle.CurrentLocation.Latitude"
LONGITUDE = "Vehicle.CurrentLocation.Longitude"

ORDERED: Mapping[str, tuple[str, ...]] = {
    "lock_doors": LOCKS,
    "set_climate_temperature": tuple(path for paths in CLIMATE.values() for path in paths),
    "adjust_seat_position": tuple(
        f"{seat}.{end}" for seat in SEATS.values() for end in ("Position", "Height")
    ),
    "control_window": WINDOWS,
    "operate_sunroof": (ROOF_SWITCH,),
    "honk_and_flash": (HORN,),
    "start_charging": (CHARGE,),
    "stop_charging": (CHARGE,),
    "control_lights": (*(path for paths in LIGHTS.values() for path in paths), LIGHT_SWITCH),
    "adjust_volume": (VOLUME,),
}
"""The actuators of each function; one of them is enough to serve it."""
STATUS = (*BATTERY, *RANGE, *LOCKS, *OPEN_DOORS, LATITUDE, LONGITUDE)
_SEEN: Mapping[str, tuple[str, ...]] = {
    "control_window": (DRIVER_SIDE,),
    "operate_sunroof": (ROOF,),
    "start_charging": (CHARGING,),
    "stop_charging": (CHARGING,),
    "get_vehicle_status": STATUS,
}
ALL = tuple(
    dict.fromkeys(
        path
        for paths in (*ORDERED.values(), *_SEEN.values(), (SPEED, HAZARD, BRAND, MODEL, VIN))
        for path in paths
    )
)
"""Every path the adapter knows; a car has some of them."""


def looked_at(function: str) -> tuple[str, ...]:
    """What must be known before a call of the function is ordered."""
    return (SPEED, *ORDERED.get(function, ()), *_SEEN.get(function, ()))
