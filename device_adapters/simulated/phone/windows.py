"""`dumpsys` of windows, activities, input and power: what is in front, and whether it is lit."""

from device_adapters.simulated.phone import display
from device_adapters.simulated.phone.result import Words
from device_adapters.simulated.phone.state import Phone

TOP_RESUMED = 30
"""The first sdk that prints `topResumedActivity`."""


def activity(phone: Phone, words: Words) -> str:
    """`dumpsys activity activities`, and the short forms `a .` and `top`."""
    record = f"ActivityRecord{{a1b2c3d u0 {phone.resumed} t42}}"
    if words[:1] == ["top"]:
        return f"TASK 42 id=42 userId=0\n  ACTIVITY {phone.resumed} a1b2c3d pid=8123"
    lines = ["ACTIVITY MANAGER ACTIVITIES (dumpsys activity activities)"]
    lines += ["Display #0 (activities from top to bottom):"]
    lines += [f"  * Task{{5e6f7a8 #42 type=standard A=10145:{phone.resumed.partition('/')[0]}}}"]
    lines += [f"    * Hist  #0: {record}"]
    if phone.sdk >= TOP_RESUMED:
        lines += [f"  topResumedActivity={record}"]
    name = "ResumedActivity" if phone.sdk >= 31 else "mResumedActivity"
    return "\n".join([*lines, f"  {name}: {record}"])


def _focused(phone: Phone) -> str:
    """The window that has the focus, as its title stands in a dump."""
    if phone.locked or phone.shade or not phone.awake:
        return "NotificationShade" if phone.sdk >= 30 else "StatusBar"
    package, _, name = phone.resumed.partition("/")
    return f"{package}/{package + name if name.startswith('.') else name}"


def window(phone: Phone, words: Words) -> str:
    """`dumpsys window`, its `policy` and its `windows`."""
    return _policy(phone) if words[:1] == ["policy"] else _windows(phone) + "\n" + _policy(phone)


def _policy(phone: Phone) -> str:
    showing, secure = str(phone.locked).lower(), str(phone.secure).lower()
    return (
        "WINDOW MANAGER POLICY STATE (dumpsys window policy)\n    KeyguardServiceDelegate\n"
        f"      showing={showing}\n      inputRestricted={showing}\n      secure={secure}\n"
        f"      dreaming=false\n      systemIsReady=true\n"
        f"    mAwake={str(phone.awake).lower()}\n    mIsShowing={showing}"
    )


def _windows(phone: Phone) -> str:
    focus = f"Window{{3f2a1b0 u0 {_focused(phone)}}}"
    record = f"ActivityRecord{{a1b2c3d u0 {phone.resumed} t42}}"
    target = "mInputMethodTarget" if phone.sdk < 31 else "imeLayeringTarget"
    return (
        "WINDOW MANAGER WINDOWS (dumpsys window windows)\n"
        f"  Window #0 {focus}:\n    mDisplayId=0 rootTaskId=42\n"
        f"  mCurrentFocus={focus}\n  mFocusedApp={record}\n"
        f"  {target} in display# 0 {focus}\n"
        f"  mSurfaceOrientation={display.rotation(phone)}"
    )


def reader(phone: Phone) -> str:
    """`dumpsys input`."""
    width, height = display.size(phone)
    return (
        "INPUT MANAGER (dumpsys input)\n"
        f"  Viewport INTERNAL: displayId=0, uniqueId=local:{display.UNIQUE}, "
        f"orientation={display.rotation(phone)}, logicalFrame=[0, 0, {width}, {height}]\n"
        f"  SurfaceOrientation: {display.rotation(phone)}\n"
        f"  FocusedWindows:\n    displayId=0, name='3f2a1b0 {_focused(phone)}'"
    )


def power(phone: Phone) -> str:
    """`dumpsys power`."""
    state, lit = ("Awake", "ON") if phone.awake else ("Asleep", "OFF")
    locks = int(phone.awake)
    stays = phone.settings["global"].get("stay_on_while_plugged_in", "0") != "0"
    said = [
        "POWER MANAGER (dumpsys power)",
        "Power Manager State:",
        f"  mWakefulness={state}",
        f"  mIsPowered={str(phone.battery.plugged is not None).lower()}",
        f"  mStayOn={str(stays).lower()}",
        f"  mHoldingWakeLockSuspendBlocker={str(phone.awake).lower()}",
        f"  mHoldingDisplaySuspendBlocker={str(phone.awake).lower()}",
        f"  mBatteryLevel={phone.battery.level}",
        "",
        f"Wake Locks: size={locks}",
        *["  SCREEN_BRIGHT_WAKE_LOCK  'WindowManager' ON_AFTER_RELEASE ACQ=-2s"] * locks,
        "",
        f"Display Power: state={lit}",
    ]
    return "\n".join(said)
