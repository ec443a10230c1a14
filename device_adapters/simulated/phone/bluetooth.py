"""Bluetooth: `cmd bluetooth_manager`, `svc bluetooth`, `dumpsys bluetooth_manager`.

The command is AOSP's BluetoothShellCommand: it came with sdk 31, waits for a state from sdk 33 on.
"""

from device_adapters.simulated.phone.result import Result, Words, say
from device_adapters.simulated.phone.state import Phone

COMMAND, WAITS = 31, 33
HIDES_ADDRESSES = 31
"""The first sdk whose dumps show only the end of an address."""

HELP = """Bluetooth Manager Commands:
  help or -h
    Print this help text.
  enable
    Enable Bluetooth on this device.
  disable
    Disable Bluetooth on this device."""


def switch(phone: Phone, *, on: bool) -> None:
    """Switch the radio; devices in reach connect by themselves, where this phone does that."""
    radio = phone.bluetooth
    radio.on = on
    phone.settings["global"]["bluetooth_on"] = str(int(on))
    reached = (
        radio.in_reach & set(radio.bonded) if on and phone.manners.bluetooth_connects else set()
    )
    radio.connected = set(reached)


def connect(phone: Phone, name: str) -> None:
    """What a tap on a bonded device does: connect, or leave it; nothing happens out of reach."""
    radio = phone.bluetooth
    if name in radio.connected:
        radio.connected.discard(name)
    elif radio.on and name in radio.in_reach and name in radio.bonded:
        radio.connected.add(name)


def command(phone: Phone, words: Words) -> Result:
    """`cmd bluetooth_manager`."""
    name = words[0] if words else ""
    if name in ("enable", "disable"):
        switch(phone, on=name == "enable")
        if phone.sdk < WAITS:
            return say("Enabling Bluetooth" if name == "enable" else "Disabling Bluetooth")
        return say(f"BluetoothShellCommand: Exec{name}\n{name}: Success")
    if name.startswith("wait-for-state:") and phone.sdk >= WAITS:
        return _wait(phone, name)
    if name in ("", "help", "-h"):
        return say(HELP)
    return Result(f"Unknown command: {name}\n".encode(), code=255)


def _wait(phone: Phone, name: str) -> Result:
    """The radio is in its state at once, so that waiting for the other one is in vain."""
    state = name.partition(":")[2]
    if state not in ("STATE_ON", "STATE_OFF"):
        error = f"wait-for-state: Invalid state value: {state}. From: {name}"
        return Result(b"", f"BluetoothShellCommand: {error}\n{HELP}\n".encode(), 255)
    said = f"BluetoothShellCommand: Exec{name}\n"
    if phone.bluetooth.on == (state == "STATE_ON"):
        return Result(f"{said}{name}: Success\n".encode())
    error = f"BluetoothShellCommand: {name}: Failed with status=-1\n"
    return Result(said.encode(), error.encode(), 255)


def dump(phone: Phone) -> str:
    """`dumpsys bluetooth_manager`."""
    radio = phone.bluetooth
    state = "ON" if radio.on else "OFF"
    lines = ["Bluetooth Status", f"  enabled: {str(radio.on).lower()}", f"  state: {state}"]
    lines += ["  address: 3C:28:6D:AA:BB:CC", f"  name: {phone.name}", ""]
    if not radio.on:
        return "\n".join([*lines, "Bluetooth Service not connected"])
    lines += ["AdapterProperties", f"  Name: {phone.name}", f"  State: {state}"]
    lines += [f"  ConnectionState: STATE_{'CONNECTED' if radio.connected else 'DISCONNECTED'}"]
    lines += ["  Bonded devices:"]
    lines += [f"    {shown(phone, at)} [ DUAL ] {name}" for name, at in radio.bonded.items()]
    lines += ["", "Profile: A2dpService"]
    for name, at in radio.bonded.items():
        machine = "Connected" if name in radio.connected else "Disconnected"
        if name in radio.connected or name in radio.in_reach:
            lines += [f"  mDevice: {shown(phone, at)}"]
            lines += [f"    StateMachine: name=A2dpStateMachine state={machine}"]
    return "\n".join(lines)


def shown(phone: Phone, address: str) -> str:
    """An address as this Android prints it."""
    return "XX:XX:XX:XX:" + address[-5:] if phone.sdk >= HIDES_ADDRESSES else address
