"""Who made the phone: what it calls itself, and which of its apps takes what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

CHROME = "com.android.chrome/com.google.android.apps.chrome.Main"
GMAIL = "com.google.android.gm/.ComposeActivityGmailExternal"
GOOGLE_MESSAGES = "com.google.android.apps.messaging/.ui.conversation.LaunchConversationActivity"
YOUTUBE = "com.google.android.youtube/.UrlActivity"
MAPS = "com.google.android.apps.maps/com.google.android.maps.MapsActivity"
SETTINGS = "com.android.settings/.Settings"
BLUETOOTH_SETTINGS = "com.android.settings/.Settings$BluetoothSettingsActivity"

SYSTEM = (
    "android",
    "com.android.bluetooth",
    "com.android.phone",
    "com.android.providers.calendar",
    "com.android.providers.contacts",
    "com.android.providers.media",
    "com.android.providers.telephony",
    "com.android.shell",
    "com.android.systemui",
)
"""Packages without a screen of their own to open."""

_GOOGLE = {
    "com.android.chrome": "com.google.android.apps.chrome.Main",
    "com.google.android.youtube": ".HomeActivity",
    "com.google.android.apps.maps": "com.google.android.maps.MapsActivity",
    "com.google.android.gm": ".ConversationListActivityGmail",
    "com.spotify.music": ".MainActivity",
}


@dataclass(frozen=True)
class Maker:
    """A maker's way: `handlers` are the components that take a role, the preferred one first."""

    manufacturer: str
    home: str
    packages: Mapping[str, str]  # the activity that a package's icon opens
    handlers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def _maker(
    manufacturer: str, home: str, packages: dict[str, str], **handlers: tuple[str, ...]
) -> Maker:
    everywhere = {
        "settings": (SETTINGS,),
        "browser": (CHROME, "org.mozilla.firefox/.App"),
        "youtube": (YOUTUBE,),
        "maps": (MAPS,),
        "mail": (GMAIL,),
    }
    return Maker(
        manufacturer,
        home,
        MappingProxyType({"com.android.settings": ".Settings", **packages}),
        MappingProxyType({**everywhere, **handlers}),
    )


# The packages of the other makers are theirs; some of the classes in them are only likely.
PIXEL = _maker(
    "Google",
    "com.google.android.apps.nexuslauncher/.NexusLauncherActivity",
    {
        **_GOOGLE,
        "com.google.android.apps.messaging": ".ui.ConversationListActivity",
        "com.google.android.dialer": ".extensions.GoogleDialtactsActivity",
        "com.google.android.deskclock": "com.android.deskclock.DeskClock",
        "com.google.android.GoogleCamera": "com.android.camera.CameraLauncher",
    },
    camera=("com.google.android.GoogleCamera/com.android.camera.CameraActivity",),
    messages=(GOOGLE_MESSAGES,),
    dialer=("com.google.android.dialer/com.android.incallui.InCallActivity",),
    clock=("com.google.android.deskclock/com.android.deskclock.HandleApiCalls",),
)
SAMSUNG = _maker(
    "samsung",
    "com.sec.android.app.launcher/.activities.LauncherActivity",
    {
        **_GOOGLE,
        "com.sec.android.app.sbrowser": ".SBrowserMainActivity",
        "com.samsung.android.email.provider": "com.samsung.android.email.ui.activity.MessageListXL",
        "com.samsung.android.messaging": "com.android.mms.ui.ConversationComposer",
        "com.samsung.android.dialer": ".DialtactsActivity",
        "com.samsung.android.incallui": "",
        "com.sec.android.app.clockpackage": ".ClockPackage",
        "com.sec.android.app.camera": ".Camera",
    },
    browser=("com.sec.android.app.sbrowser/.SBrowserMainActivity", CHROME),
    mail=(
        "com.samsung.android.email.provider/com.samsung.android.email.composer.MessageCompose",
        GMAIL,
    ),
    camera=("com.sec.android.app.camera/.Camera",),
    messages=(
        "com.samsung.android.messaging/com.android.mms.ui.ConversationComposer",
        GOOGLE_MESSAGES,
    ),
    dialer=("com.samsung.android.incallui/com.android.incallui.call.InCallActivity",),
    clock=("com.sec.android.app.clockpackage/.alarm.activity.AlarmSetActivity",),
)
XIAOMI = _maker(
    "Xiaomi",
    "com.miui.home/.launcher.Launcher",
    {
        **_GOOGLE,
        "com.google.android.apps.messaging": ".ui.ConversationListActivity",
        "com.google.android.dialer": ".extensions.GoogleDialtactsActivity",
        "com.android.deskclock": ".DeskClockTabActivity",
        "com.android.camera": ".Camera",
    },
    camera=("com.android.camera/.Camera",),
    messages=(GOOGLE_MESSAGES,),
    dialer=("com.google.android.dialer/com.android.incallui.InCallActivity",),
    clock=("com.android.deskclock/.HandleApiCalls",),
)
BARE = _maker(
    "Fairphone",
    "com.android.launcher3/.uioverrides.QuickstepLauncher",
    {
        "org.lineageos.jelly": ".MainActivity",
        "com.android.messaging": ".ui.conversationlist.ConversationListActivity",
        "com.android.dialer": ".main.impl.MainActivity",
        "com.android.deskclock": ".DeskClock",
        "com.android.camera2": "com.android.camera.CameraLauncher",
    },
    browser=("org.lineageos.jelly/.MainActivity",),
    mail=(),
    youtube=(),
    maps=(),
    camera=("com.android.camera2/com.android.camera.CameraActivity",),
    messages=("com.android.messaging/.ui.conversation.LaunchConversationActivity",),
    dialer=("com.android.dialer/com.android.incallui.InCallActivity",),
    clock=("com.android.deskclock/.HandleApiCalls",),
)
"""A phone without Google's apps."""

_LABELS = {
    "com.android.chrome": "Chrome",
    "com.android.settings": "Settings",
    "com.google.android.GoogleCamera": "Camera",
    "com.google.android.apps.maps": "Maps",
    "com.google.android.apps.messaging": "Messages",
    "com.google.android.deskclock": "Clock",
    "com.google.android.dialer": "Phone",
    "com.google.android.gm": "Gmail",
    "com.google.android.youtube": "YouTube",
    "com.samsung.android.email.provider": "Email",
    "com.samsung.android.messaging": "Messages",
    "com.sec.android.app.sbrowser": "Internet",
    "com.spotify.music": "Spotify",
    "org.mozilla.firefox": "Firefox",
}


def label(package: str) -> str:
    """The name under an app's icon."""
    return _LABELS.get(package) or package.rpartition(".")[2].capitalize()


def component(package: str, activity: str) -> str:
    """A component as Android writes it short: the class starts with a dot where it can."""
    inside = activity.startswith(package + ".")
    return f"{package}/{activity.removeprefix(package) if inside else activity}"
