"""What the phone is: `getprop`, and `dumpsys` of battery, storage, telephony and alarms."""

from device_adapters.simulated.phone import clock, files
from device_adapters.simulated.phone.result import Result, Words, complain, say
from device_adapters.simulated.phone.state import Phone
from device_adapters.simulated.phone.values import IDLE, Alarm, Timer

_PATCHES = {29: "2020-08-05", 30: "2021-08-05", 31: "2022-02-05", 32: "2022-08-05"}
_ALARM_TAGS = {"com.sec.android.app.clockpackage": "com.samsung.sec.android.clockpackage"}


def properties(phone: Phone) -> dict[str, str]:
    """What `getprop` knows."""
    model, maker = phone.name.replace(" ", "_"), phone.maker.manufacturer
    build = {29: "QQ3A", 30: "RQ3A", 31: "SQ1D", 32: "SQ3A", 33: "TQ3A", 34: "UQ1A", 35: "AP4A"}
    number = f"{build.get(phone.sdk, 'BP2A')}.240105.004"
    return {
        "gsm.operator.alpha": ",".join(sim.carrier for sim in phone.sims),
        "gsm.sim.state": ",".join("LOADED" for _ in phone.sims) or "ABSENT",
        "persist.sys.locale": "en-GB",
        "persist.sys.timezone": phone.timezone,
        "ro.boot.serialno": phone.serial,
        "ro.build.characteristics": "nosdcard",
        "ro.build.display.id": number,
        "ro.build.fingerprint": f"{maker.lower()}/{model}/{model}:{phone.release}/{number}/1:user",
        "ro.build.id": number,
        "ro.build.type": "user",
        "ro.build.version.codename": "REL",
        "ro.build.version.release": phone.release,
        "ro.build.version.sdk": str(phone.sdk),
        "ro.build.version.security_patch": _PATCHES.get(phone.sdk, "2024-01-05"),
        "ro.debuggable": "0",
        "ro.product.brand": maker.lower(),
        "ro.product.cpu.abi": "arm64-v8a",
        "ro.product.device": model,
        "ro.product.manufacturer": maker,
        "ro.product.model": phone.name,
        "ro.product.name": model,
        "ro.product.vendor.device": model,
        "ro.secure": "1",
        "ro.serialno": phone.serial,
        "sys.boot_completed": "1",
    }


def getprop(phone: Phone, words: Words) -> Result:
    """`getprop [NAME [DEFAULT]]`; what is not there is an empty line."""
    known = properties(phone)
    if not words:
        return say("\n".join(f"[{name}]: [{value}]" for name, value in known.items()))
    if not words[0]:
        return complain("bad name")
    value = known.get(words[0]) or (words[1] if len(words) > 1 else "")
    return Result(f"{value}\n".encode())


def battery(phone: Phone) -> str:
    """`dumpsys battery`."""
    now = phone.battery

    def by(name: str) -> str:
        return str(now.plugged == name).lower()

    docked = ["  Dock powered: false"] if phone.sdk >= 33 else []
    return "\n".join(
        [
            "Current Battery Service state:",
            f"  AC powered: {by('AC')}",
            f"  USB powered: {by('USB')}",
            f"  Wireless powered: {by('Wireless')}",
            *docked,
            "  Max charging current: 500000",
            "  Max charging voltage: 5000000",
            f"  Charge counter: {now.level * 43550}",
            f"  status: {now.status}",
            "  health: 2",
            "  present: true",
            f"  level: {now.level}",
            "  scale: 100",
            "  voltage: 4217",
            f"  temperature: {now.temperature}",
            "  technology: Li-ion",
        ]
    )


def diskstats(phone: Phone) -> str:
    """`dumpsys diskstats`."""
    free, total = phone.files.free // 1024, files.CAPACITY // 1024
    share = f"{free}K / {total}K total = {100 * free // total}% free"
    return (
        "Latency: 1ms [512B Data Write]\nRecent Disk Write Speed (kB/s) = 52436\n"
        f"Data-Free: {share}\nCache-Free: {share}\n"
        "System-Free: 0K / 884K total = 0% free\nFile-based Encryption: true\n"
        "App Size: 8110776320\nApp Data Size: 5102837760\nApp Cache Size: 1432920064\n"
        "Photos Size: 311296000\nVideos Size: 0\nAudio Size: 12288000\n"
        "Downloads Size: 4096000\nSystem Size: 9663676416\nOther Size: 20480"
    )


def telephony(phone: Phone) -> str:
    """`dumpsys telephony.registry`: one part for each SIM's place."""
    lines = ["last known state:"]
    for slot in range(max(len(phone.sims), 1)):
        state = phone.call_state if slot == phone.call_slot else IDLE
        carrier = phone.sims[slot].carrier if slot < len(phone.sims) else ""
        lines += [
            f"  Phone Id={slot}",
            f"    mCallState={state}",
            "    mRingingCallState=0",
            f"    mForegroundCallState={int(state != IDLE)}",
            "    mBackgroundCallState=0",
            "    mCallIncomingNumber=",
            f"    mServiceState={{mVoiceRegState=0(IN_SERVICE), mOperatorAlphaLong={carrier}}}",
        ]
    return "\n".join(lines)


def alarm(phone: Phone) -> str:
    """`dumpsys alarm`: what the clock app wants to be woken for."""
    package = clock.package(phone)
    alarms, timer = clock.pending(phone)
    lines = ["Current Alarm Manager state:", "  Settings:", "", "  pending alarms:"]
    for one in alarms:
        lines += _alarm(phone, package, one)
    if timer is not None:
        lines += _timer(phone, package, timer)
    times = sorted(clock.due(phone, one) for one in alarms)
    lines += ["", "  Next alarm clock information:"]
    lines += [
        f"    user:0 pendingSend:false time:{int(when.timestamp() * 1000)} = "
        f"{when:%Y-%m-%d %H:%M:%S}.000"
        for when in times[:1]
    ]
    return "\n".join(lines)


def _alarm(phone: Phone, package: str, one: Alarm) -> list[str]:
    when = clock.due(phone, one)
    stamp = int(when.timestamp() * 1000)
    shown = f"{when:%Y-%m-%d %H:%M}:00.000"
    prefix = _ALARM_TAGS.get(package, "com.android.deskclock")
    word = "when" if phone.sdk < 31 else "origWhen"
    return [
        f"    RTC_WAKEUP #1: Alarm{{5b2c3d4 type 0 {word} {stamp} {package}}}",
        f"      tag=*walarm*:{prefix}.ALARM_ALERT",
        f"      type=RTC_WAKEUP {word}={shown} window=0 repeatInterval=0 count=0 flags=0x3",
        "      Alarm clock:",
        f"        triggerTime={shown}",
        "        showIntent=PendingIntent{6c3d4e5: PendingIntentRecord}",
    ]


def _timer(phone: Phone, package: str, one: Timer) -> list[str]:
    left = int(clock.ends(phone, one) - phone.clock())
    prefix = _ALARM_TAGS.get(package, "com.android.deskclock")
    return [
        f"    ELAPSED_WAKEUP #2: Alarm{{7d4e5f6 type 2 {package}}}",
        f"      tag=*walarm*:{prefix}.action.TIMER_EXPIRED",
        f"      type=ELAPSED_WAKEUP whenElapsed=+{left}s0ms window=0 repeatInterval=0 flags=0x8",
    ]
