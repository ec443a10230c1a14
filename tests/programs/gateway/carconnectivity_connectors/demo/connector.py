"""A connector for CarConnectivity without a maker's cloud behind it: one electric car, which does
as it is told. Run by CarConnectivity itself, in its own environment."""

import logging

import ntplib
from carconnectivity.attributes import EnumAttribute, FloatAttribute
from carconnectivity.charging import Charging
from carconnectivity.charging_connector import ChargingConnector
from carconnectivity.climatization import Climatization
from carconnectivity.command_impl import (
    ChargingStartStopCommand,
    ClimatizationStartStopCommand,
    HonkAndFlashCommand,
    LockUnlockCommand,
)
from carconnectivity.doors import Doors
from carconnectivity.drive import ElectricDrive
from carconnectivity.units import Length, Level, Speed, Temperature
from carconnectivity.vehicle import ElectricVehicle, GenericVehicle
from carconnectivity_connectors.base.connector import BaseConnector
from carconnectivity_services.location.osm_location_service import OSMLocationService

LOG = logging.getLogger("carconnectivity.connectors.demo")


def _no_clock_server(*_, **__):
    raise ntplib.NTPException("tests reach nothing outside this machine")


ntplib.NTPClient.request = _no_clock_server
OSMLocationService.get_types = lambda _: []  # nor are places looked up


class Connector(BaseConnector):
    """Its car drives off when its `state` is set so."""

    def __init__(self, connector_id, car_connectivity, config, *args, **kwargs):
        super().__init__(connector_id, car_connectivity, config, LOG, LOG, *args, **kwargs)
        self._vin = config["vin"]

    def startup(self):
        """Put the car into the garage."""
        garage = self.car_connectivity.garage
        self.car = car = ElectricVehicle(self._vin, garage, self)
        garage.add_vehicle(self._vin, car)
        car.name._set_value("Family car")
        car.manufacturer._set_value("Volkswagen")
        car.odometer._set_value(20415, unit=Length.KM)
        car.position.latitude._set_value(37.5665)
        car.position.longitude._set_value(126.978)
        self._state(car.state, GenericVehicle.State.PARKED)
        self._drive(car)
        self._doors(car.doors)
        self._climate(car.climatization)
        self._charging(car.charging)
        self._command(car.commands, HonkAndFlashCommand(parent=car.commands), lambda _: None)
        self.healthy._set_value(value=True)

    def fetch_all(self):
        """Nothing changes by itself."""

    def get_version(self):
        return "1"

    def get_type(self):
        return "carconnectivity-connector-demo"

    def _state(self, attribute: EnumAttribute, value):
        attribute._is_changeable = True
        attribute._set_value(value)

    def _drive(self, car):
        drive = ElectricDrive("primary", car.drives)
        car.drives.add_drive(drive)
        drive.level._set_value(81, unit=Level.PERCENTAGE)
        drive.range._set_value(312, unit=Length.KM)
        drive.range_estimated_full._set_value(385, unit=Length.KM)
        car.drives.total_range._set_value(312, unit=Length.KM)

    def _doors(self, doors):
        doors.open_state._set_value(Doors.OpenState.CLOSED)
        doors.lock_state._set_value(Doors.LockState.LOCKED)
        front = Doors.Door("frontLeft", doors)
        doors.doors[front.door_id] = front
        front.open_state._set_value(Doors.OpenState.CLOSED)
        states = {"lock": Doors.LockState.LOCKED, "unlock": Doors.LockState.UNLOCKED}
        self._command(
            doors.commands,
            LockUnlockCommand(parent=doors.commands),
            lambda word: doors.lock_state._set_value(states[word]),
        )

    def _climate(self, climatization):
        climatization.state._set_value(Climatization.ClimatizationState.OFF)
        target: FloatAttribute = climatization.settings.target_temperature
        target._is_changeable = True
        target.precision, target.minimum, target.maximum = 0.5, 15.5, 30
        target._set_value(20.0, unit=Temperature.C)
        states = {
            "start": Climatization.ClimatizationState.HEATING,
            "stop": Climatization.ClimatizationState.OFF,
        }
        self._command(
            climatization.commands,
            ClimatizationStartStopCommand(parent=climatization.commands),
            lambda word: climatization.state._set_value(states[word]),
        )

    def _charging(self, charging):
        charging.connector.connection_state._set_value(
            ChargingConnector.ChargingConnectorConnectionState.CONNECTED
        )
        charging.state._set_value(Charging.ChargingState.READY_FOR_CHARGING)
        charging.rate._set_value(55, unit=Speed.KMH)
        charging.settings.auto_unlock._is_changeable = True
        charging.settings.auto_unlock._set_value(value=True)
        states = {
            "start": Charging.ChargingState.CHARGING,
            "stop": Charging.ChargingState.READY_FOR_CHARGING,
        }
        self._command(
            charging.commands,
            ChargingStartStopCommand(parent=charging.commands),
            lambda word: charging.state._set_value(states[word]),
        )

    def _command(self, commands, command, effect):
        """Have a command do something when it is given."""

        def given(_, value):
            effect(value["command"].value)
            self.car_connectivity.transaction_end()  # as after everything that was fetched
            return value

        command._add_on_set_hook(given)
        command.enabled = True
        commands.add_command(command)
        commands.enabled = True
