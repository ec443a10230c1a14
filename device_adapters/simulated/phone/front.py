"""What the screen shows: waking, locking, and which activity is in front."""

from device_adapters.simulated.phone.makers import component
from device_adapters.simulated.phone.state import Phone
from device_adapters.simulated.phone.values import Dialog


def wake(phone: Phone) -> None:
    """The screen comes on; what asks for no secret may still be locked."""
    phone.awake = True


def sleep(phone: Phone) -> None:
    """The screen goes off, and the phone locks."""
    phone.awake, phone.locked, phone.shade = False, True, False


def unlock(phone: Phone) -> None:
    """The lock screen goes away, if it asks for no secret; what was started behind it shows."""
    if not phone.awake or phone.secure:
        return
    phone.locked = False
    if phone.behind is not None:
        phone.resumed, phone.behind = phone.behind, None


def show(phone: Phone, activity: str, *, over_lock: bool = False) -> None:
    """Put an activity in front, or behind the lock screen; another's question goes."""
    phone.shade = False
    if phone.dialog is not None and phone.dialog.component not in ("", activity):
        phone.dialog = None
    if over_lock:
        wake(phone)
    elif phone.locked or not phone.awake:
        phone.behind = activity
        return
    phone.resumed = activity


def home(phone: Phone) -> None:
    """Leave whatever is in front."""
    if phone.awake and not phone.locked:
        phone.resumed, phone.dialog, phone.shade = phone.maker.home, None, False


def back(phone: Phone) -> None:
    """Close the uppermost thing: a dialog, the shade, an activity."""
    if phone.shade:
        phone.shade = False
    elif phone.dialog is not None:
        close(phone)
    else:
        home(phone)


def ask(phone: Phone, dialog: Dialog) -> None:
    """Put a question on the screen; one with an activity of its own is the activity in front."""
    phone.dialog = dialog
    if dialog.component:
        show(phone, dialog.component)


def close(phone: Phone) -> None:
    """Take the question away without an answer."""
    dialog, phone.dialog = phone.dialog, None
    if dialog is not None and dialog.component == phone.resumed:
        phone.resumed = phone.maker.home


def launcher(phone: Phone, package: str) -> str | None:
    """The component that a package's icon opens; None where there is no icon."""
    activity = phone.packages.get(package)
    return component(package, activity) if activity else None
