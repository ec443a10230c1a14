"""Windows over its own OpenSSH: what needs no screen, for a login over SSH has none there.

Nothing of this was tried on Windows."""

from device_adapters.pc import reading
from device_adapters.pc.commands import Reading, System, Way
from device_adapters.pc.quoting import powershell

_CPU = "(Get-CimInstance Win32_Processor | Measure-Object LoadPercentage -Average).Average"
_MEMORY = (
    "$o = Get-CimInstance Win32_OperatingSystem; "
    "100 - [math]::Round(100 * $o.FreePhysicalMemory / $o.TotalVisibleMemorySize)"
)
_DISK = (
    """$d = Get-CimInstance Win32_LogicalDisk -Filter "DeviceID='$env:SystemDrive'"; """
    "100 - [math]::Round(100 * $d.FreeSpace / $d.Size)"
)
_BATTERY = "(Get-CimInstance Win32_Battery).EstimatedChargeRemaining"

WINDOWS = System(
    ways={"shutdown": (Way(("shutdown", "/s", "/t", "0")),)},
    status={
        item: Reading(powershell(program), reading.number)
        for item, program in {
            "cpu": _CPU,
            "memory": _MEMORY,
            "disk": _DISK,
            "battery": _BATTERY,
        }.items()
    },
)
