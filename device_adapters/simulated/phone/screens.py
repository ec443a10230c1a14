"""What the screen shows, as rows that can be tapped: each row's words, place and effect."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from device_adapters.simulated.phone import (
    acting,
    am,
    bluetooth,
    clock,
    display,
    front,
    notifications,
)
from device_adapters.simulated.phone.intent import LAUNCHER, MAIN, Intent
from device_adapters.simulated.phone.java import JavaError
from device_adapters.simulated.phone.makers import BLUETOOTH_SETTINGS, label
from device_adapters.simulated.phone.manners import Camera
from device_adapters.simulated.phone.state import Phone
from device_adapters.simulated.phone.values import OFFHOOK, Dialog

TOP, ROW = 160, 160
"""Points to the first row, and a row's height."""

Effect = Callable[[], None]


@dataclass(frozen=True)
class Row:
    """Something on the screen; without an effect it cannot be tapped."""

    text: str
    effect: Effect | None = None
    kind: str = "TextView"
    resource: str = ""
    description: str = ""
    checked: bool | None = None


@dataclass(frozen=True)
class Placed:
    """A row and its edges."""

    row: Row
    left: int
    top: int
    right: int
    bottom: int

    def holds(self, x: int, y: int) -> bool:
        """Whether a point is on it."""
        return self.left <= x < self.right and self.top <= y < self.bottom


@dataclass(frozen=True)
class Screen:
    """The rows of a package, from above."""

    package: str
    rows: tuple[Row, ...]

    def placed(self, width: int) -> list[Placed]:
        """The rows, one under the other."""
        return [
            Placed(row, 0, TOP + number * ROW, width, TOP + (number + 1) * ROW)
            for number, row in enumerate(self.rows)
        ]


def shown(phone: Phone) -> Screen | None:
    """What is on the screen; None where it is dark."""
    if not phone.awake:
        return None
    if phone.shade:
        return Screen("com.android.systemui", tuple(_shade(phone)))
    if phone.dialog is not None and not (phone.locked and phone.dialog.component):
        return _dialog(phone.dialog)
    if phone.locked:
        return Screen("com.android.systemui", (Row("Swipe up to unlock"),))
    return Screen(phone.resumed.partition("/")[0], tuple(_activity(phone)))


def _dialog(dialog: Dialog) -> Screen:
    """A question over whatever there is; only an app's own stays behind the lock screen."""
    package = dialog.component.partition("/")[0] or "com.android.systemui"
    buttons = (
        Row(words, effect, "Button", f"android:id/button{number}")
        for number, (words, effect) in enumerate(dialog.buttons, 1)
    )
    return Screen(package, (Row(dialog.text), *buttons))


def tap(phone: Phone, x: int, y: int) -> None:
    """Do what the row at this point does."""
    screen = shown(phone)
    if screen is None:
        return
    for placed in screen.placed(display.size(phone)[0]):
        if placed.holds(x, y) and placed.row.effect is not None:
            placed.row.effect()
            return


def shutter(phone: Phone) -> None:
    """Take a picture, if this camera keeps what it takes."""
    if phone.manners.camera is not Camera.KEEPS_NOTHING:
        phone.take_photo()


def _shade(phone: Phone) -> Iterator[Row]:
    for note in notifications.shown(phone):

        def open_it(intent: Intent | None = note.intent) -> None:
            phone.shade = False
            if intent is not None:
                with contextlib.suppress(JavaError):
                    am.start(phone, intent)

        yield Row(note.title, open_it, resource="android:id/title")
        yield Row(note.text, open_it, resource="android:id/text")
        yield from (Row(line) for line in (note.big or "").splitlines()[:1])


def _activity(phone: Phone) -> Iterator[Row]:
    """The rows of the activity in front."""
    if phone.resumed == phone.maker.home:
        yield from _icons(phone)
    elif phone.resumed == BLUETOOTH_SETTINGS:
        yield from _bluetooth(phone)
    elif phone.in_front("camera"):
        yield Row("", lambda: shutter(phone), "ImageView", "shutter_button", "Take photo")
    elif phone.in_front("clock"):
        yield from _clock(phone)
    elif phone.in_front("dialer") and phone.call_state == OFFHOOK:
        yield Row(phone.called[-1] if phone.called else "")
        yield Row("", lambda: acting.hang_up(phone), "Button", "", "End call")
    elif phone.draft is not None and (phone.in_front("messages") or phone.in_front("mail")):
        yield from _draft(phone)
    else:
        yield Row(label(phone.resumed.partition("/")[0]))


def _icons(phone: Phone) -> Iterator[Row]:
    for package in sorted(phone.packages):
        opened = front.launcher(phone, package)
        if opened:

            def start(component: str = opened, name: str = package) -> None:
                intent = Intent(action=MAIN, categories=[LAUNCHER], package=name)
                acting.act(phone, intent, component)

            yield Row(label(package), start, description=label(package))


def _bluetooth(phone: Phone) -> Iterator[Row]:
    """The bonded devices; a tap connects one that is in reach."""
    radio = phone.bluetooth

    def switch() -> None:
        bluetooth.switch(phone, on=not radio.on)

    yield Row("Use Bluetooth", switch, "Switch", "android:id/switch_widget", checked=radio.on)
    for name in radio.bonded if radio.on else ():

        def connect(device: str = name) -> None:
            bluetooth.connect(phone, device)

        yield Row(name, connect, resource="android:id/title")
        state = "Active" if name in radio.connected else "Saved"
        yield Row(state, resource="android:id/summary")


def _clock(phone: Phone) -> Iterator[Row]:
    """Alarms and timers; what rings can be stopped."""
    if clock.ringing(phone):
        yield Row("Stop", lambda: clock.stop(phone), "Button")
    for alarm in phone.alarms:
        yield Row(f"{alarm.hour:02}:{alarm.minute:02} {alarm.label}".strip())
    for timer in phone.timers:
        yield Row(f"{timer.seconds} s {timer.label}".strip())


def _draft(phone: Phone) -> Iterator[Row]:
    """A message that is not sent yet."""
    draft = phone.draft
    if draft is None:
        return
    mail = phone.in_front("mail")
    yield Row(draft.to, kind="EditText", resource="to" if mail else "recipient")
    yield Row(draft.body, kind="EditText", resource="body" if mail else "compose_message_text")
    words = "Send" if mail else "Send SMS"
    yield Row("", lambda: draft.send(draft), "ImageButton", "send_message_button", words)
