"""`uiautomator dump`: the screen as XML, in AOSP's words; it exits 0 whatever happens."""

from xml.sax.saxutils import quoteattr

from device_adapters.simulated.phone import display, screens
from device_adapters.simulated.phone.result import Result, Words, complain, say
from device_adapters.simulated.phone.screens import Placed, Screen
from device_adapters.simulated.phone.state import Phone

DEFAULT = "/sdcard/window_dump.xml"
_FLAGS = (
    *("checkable", "checked", "clickable", "enabled", "focusable", "focused", "scrollable"),
    *("long-clickable", "password", "selected"),
)


def command(phone: Phone, words: Words) -> Result:
    """`uiautomator dump [--compressed] [FILE]`."""
    if words[:1] != ["dump"]:
        return complain("Usage: uiautomator <subcommand> [options]", 1)
    if phone.busy_dumps < phone.manners.busy_dumps:
        phone.busy_dumps += 1
        return complain("ERROR: could not get idle state.", 0)
    phone.look()
    screen = screens.shown(phone)
    if screen is None:
        return complain("ERROR: null root node returned by UiTestAutomationBridge.", 0)
    files = [word for word in words[1:] if not word.startswith("-")]
    path = files[0] if files else DEFAULT
    xml = hierarchy(phone, screen)
    said = f"UI hierchary dumped to: {path}"
    if path == "/dev/tty":
        return Result(f"{xml}{said}\n".encode(errors="replace"))
    try:
        phone.files.write(path, xml.encode(errors="replace"), mtime=int(phone.clock()))
    except OSError as exc:
        return complain(f"java.io.FileNotFoundException: {path}: open failed: ({exc})", 0)
    return say(said)


def hierarchy(phone: Phone, screen: Screen) -> str:
    """The XML of a screen: one frame, and in it a node for each row."""
    width, height = display.size(phone)
    placed = screen.placed(width)
    rows = "".join(_node(one, screen.package, number) for number, one in enumerate(placed))
    frame = Placed(screens.Row("", kind="FrameLayout"), 0, 0, width, height)
    inside = _attributes(frame, screen.package, 0)
    return (
        "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>"
        f'<hierarchy rotation="{display.rotation(phone)}"><node {inside}>{rows}</node></hierarchy>'
    )


def _node(placed: Placed, package: str, number: int) -> str:
    return f"<node {_attributes(placed, package, number)} />"


def _attributes(placed: Placed, package: str, number: int) -> str:
    """A node's attributes, in the order that AOSP writes them."""
    row = placed.row
    resource = row.resource
    if resource and ":" not in resource:
        resource = f"{package}:id/{resource}"
    flags = dict.fromkeys(_FLAGS, "false") | {"enabled": "true"}
    flags |= {"clickable": str(row.effect is not None).lower()}
    if row.checked is not None:
        flags |= {"checkable": "true", "checked": str(row.checked).lower()}
    named = {
        "index": str(number),
        "text": row.text,
        "resource-id": resource,
        "class": f"android.{'view' if row.kind == 'View' else 'widget'}.{row.kind}",
        "package": package,
        "content-desc": row.description,
        **flags,
        "bounds": f"[{placed.left},{placed.top}][{placed.right},{placed.bottom}]",
    }
    return " ".join(f"{name}={quoteattr(_printable(value))}" for name, value in named.items())


def _printable(text: str) -> str:
    """XML has no place for most control characters; AOSP writes a dot."""
    return "".join(one if one >= " " or one in "\t\n" else "." for one in text)
