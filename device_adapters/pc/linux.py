"""Linux: the programs of its desktops."""

from device_adapters.pc import reading
from device_adapters.pc.commands import How, Reading, System, Way, Where

_LOCKED = ("loginctl", "show-session", "{session}", "--property=LockedHint", "--value")
_FOLDERS = (
    "/usr/share/applications",
    "/usr/local/share/applications",
    "/var/lib/flatpak/exports/share/applications",
    "/var/lib/snapd/desktop/applications",
    "{home}/.local/share/applications",
    "{home}/.local/share/flatpak/exports/share/applications",
)
_CPU = "head -n 1 /proc/stat && sleep 0.3 && head -n 1 /proc/stat"


def _picture(*argv: str, display: str = "", how: How = How.WRITES) -> Way:
    return Way(argv, where=Where.SCREEN, how=how, display=display)


LINUX = System(
    ways={
        "set_volume": (
            Way(
                ("wpctl", "set-volume", "@DEFAULT_AUDIO_SINK@", "{percent}%"),
                ("wpctl", "get-volume", "@DEFAULT_AUDIO_SINK@"),
                reading.fraction,
                Where.SESSION,
            ),
            Way(
                ("pactl", "set-sink-volume", "@DEFAULT_SINK@", "{percent}%"),
                ("pactl", "get-sink-volume", "@DEFAULT_SINK@"),
                reading.percent,
                Where.SESSION,
            ),
            Way(
                ("amixer", "-q", "set", "Master", "{percent}%"),
                ("amixer", "get", "Master"),
                reading.percent,
                Where.SESSION,
            ),
        ),
        "media_control": (
            Way(("playerctl", "{action}"), ("playerctl", "status"), reading.lower, Where.SESSION),
        ),
        "lock_screen": (
            Way(("loginctl", "lock-session", "{session}"), _LOCKED, where=Where.SCREEN),
            Way(("xdg-screensaver", "lock"), where=Where.SCREEN),
        ),
        "take_screenshot": (
            _picture("grim", "-", display="wayland", how=How.ENDS),
            _picture("import", "-silent", "-window", "root", "png:-", display="x11", how=How.ENDS),
            _picture("scrot", display="x11"),
            _picture("gnome-screenshot", "-f"),
            _picture("spectacle", "-b", "-n", "-o"),
        ),
        "show_notification": (
            Way(
                ("notify-send", "--app-name=Octopus", "--", "Octopus", "{body}"),
                where=Where.SCREEN,
            ),
        ),
        "open_url": (Way(("xdg-open", "{url}"), where=Where.SCREEN, how=How.STAYS),),
        "open_application": (
            Way(("gtk-launch", "--", "{application}"), where=Where.SCREEN, how=How.STAYS),
        ),
        "type_text": (
            Way(("wtype", "--", "{text}"), where=Where.SCREEN, display="wayland"),
            Way(("xdotool", "type", "--", "{text}"), where=Where.SCREEN, display="x11"),
            # Without that it reads backslashes: "C:\\new" would press Enter.
            Way(("ydotool", "type", "--escape=0", "--", "{text}"), where=Where.SCREEN),
        ),
        "shutdown": (Way(("systemctl", "--no-ask-password", "poweroff")),),
    },
    status={
        "cpu": Reading(("sh", "-c", _CPU), reading.linux_cpu),
        "memory": Reading(("cat", "/proc/meminfo"), reading.linux_memory),
        "disk": Reading(("df", "-P", "/"), reading.disk),
        "battery": Reading(
            (
                *("find", "-L", "/sys/class/power_supply", "-maxdepth", "2"),
                *("(", "-name", "capacity", "-o", "-name", "scope", ")"),
                *("-exec", "grep", "-H", "", "{}", "+"),
            ),
            reading.linux_battery,
        ),
    },
    applications=(
        *("find", "-L", *_FOLDERS, "-maxdepth", "1", "-name", "*.desktop"),
        *("-exec", "grep", "-H", "-E", "^(Name|NoDisplay|Hidden)=", "{}", "+"),
    ),
    environment={"LC_ALL": "C.UTF-8"},
)
