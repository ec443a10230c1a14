"""A desktop on the session bus, as a process: it shows notifications and plays music.

It prints what it is told, one JSON line each. Runs with the Python of `.venv-programs`, which has
jeepney."""

import json
import sys

from jeepney import (
    DBusAddress,
    HeaderFields,
    MessageType,
    new_error,
    new_method_return,
    new_signal,
)
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

_PLAYER = "org.mpris.MediaPlayer2.Player"
_STATES = {"Play": "Playing", "Pause": "Paused", "Stop": "Stopped"}


class Desktop:
    def __init__(self):
        self.bus = open_dbus_connection()
        self.status, self.volume, self.shown = "Paused", 0.5, 0
        for name in ("org.freedesktop.Notifications", "org.mpris.MediaPlayer2.example"):
            self.bus.send_and_get_reply(message_bus.RequestName(name))
        self.tell("ready")

    def tell(self, *words):
        sys.stdout.write(json.dumps(words) + "\n")
        sys.stdout.flush()

    def run(self):
        while True:
            message = self.bus.receive()
            if message.header.message_type is MessageType.method_call:
                self.bus.send(self.answer(message))
                if message.header.fields[HeaderFields.member] in (*_STATES, "Next", "Previous"):
                    self.bus.send(self.changed())

    def changed(self):
        interface = "org.freedesktop.DBus.Properties"
        properties = DBusAddress("/org/mpris/MediaPlayer2", interface=interface)
        body = (_PLAYER, {"PlaybackStatus": ("s", self.status)}, [])
        return new_signal(properties, "PropertiesChanged", "sa{sv}as", body)

    def answer(self, message):
        member = message.header.fields[HeaderFields.member]
        if member == "Notify":
            self.shown += 1
            self.tell("notify", *message.body[3:5])
            return new_method_return(message, "u", (self.shown,))
        if member == "Get":
            return new_method_return(message, "v", (self.property(message.body[1]),))
        if member in (*_STATES, "Next", "Previous"):
            self.status = _STATES.get(member, self.status)
            self.tell("media", member)
            return new_method_return(message)
        return new_error(message, "org.freedesktop.DBus.Error.UnknownMethod")

    def property(self, name):
        return {
            "Volume": ("d", self.volume),
            "PlaybackStatus": ("s", self.status),
            "Metadata": ("a{sv}", {"xesam:title": ("s", "Song")}),
            "Position": ("x", 0),
        }[name]


if __name__ == "__main__":
    sys.exit(Desktop().run())
