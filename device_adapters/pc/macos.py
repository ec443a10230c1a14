"""macOS: the programs that come with it. Nothing of this was tried on a Mac."""

from device_adapters.pc import reading
from device_adapters.pc.commands import How, Reading, System, Way, Where

_WITH_TEXT = ("osascript", "-e", "on run argv", "-e")
# The last item, whether or not osascript counts the "--" that ends its options.
_ENDING = ("-e", "end run", "--", "{text}")

MACOS = System(
    ways={
        "set_volume": (
            Way(
                ("osascript", "-e", "set volume output volume {percent}"),
                ("osascript", "-e", "output volume of (get volume settings)"),
                reading.whole,
            ),
        ),
        "lock_screen": (Way(("pmset", "displaysleepnow"), where=Where.SCREEN),),
        "take_screenshot": (Way(("screencapture", "-x"), where=Where.SCREEN, how=How.WRITES),),
        "show_notification": (
            Way(
                (
                    *_WITH_TEXT,
                    'display notification (item -1 of argv) with title "Octopus"',
                    *_ENDING,
                ),
                where=Where.SCREEN,
            ),
        ),
        "open_url": (Way(("open", "{url}"), where=Where.SCREEN),),
        "open_application": (Way(("open", "-a", "{name}"), where=Where.SCREEN),),
        "type_text": (
            Way(
                (
                    *_WITH_TEXT,
                    'tell application "System Events" to keystroke (item -1 of argv)',
                    *_ENDING,
                ),
                where=Where.SCREEN,
            ),
        ),
        "shutdown": (Way(("osascript", "-e", 'tell application "System Events" to shut down')),),
    },
    status={
        "cpu": Reading(("top", "-l", "2", "-n", "0", "-s", "1"), reading.macos_cpu),
        "memory": Reading(("memory_pressure", "-Q"), reading.macos_memory),
        "disk": Reading(("df", "-P", "/System/Volumes/Data"), reading.disk),
        "battery": Reading(("pmset", "-g", "batt"), reading.macos_battery),
    },
    environment={"LC_ALL": "en_US.UTF-8"},
)
