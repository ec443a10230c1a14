"""Which device runs a step: the words of the sentence, then the only one that can."""

import re

from orchestrator.catalogue import Catalogue
from schemas.device import Device, Kind
from schemas.errors import HubError
from schemas.plan import Plan, Step

_KIND_WORDS = {
    Kind.PHONE: r"phone|mobile|cell|smartphone|tablet|android",
    Kind.PC: r"pc|computer|laptop|desktop|workstation|macbook|chromebook",
    Kind.CAR: r"car|vehicle|truck|van|suv",
}


_CALLED = {"phone": "phone", "pc": "PC", "car": "car", "home": "home device", "hub": "hub"}


class NoDevice(HubError):
    """No device can do this."""

    code = "no_device"


class WhichDevice(HubError):
    """Several devices can do this, and the sentence does not say which."""

    code = "which_device"


def route(plan: Plan, devices: tuple[Device, ...], sentence: str, catalogue: Catalogue) -> Plan:
    """The plan with a device for every step; NoDevice or WhichDevice where there is none."""
    routed = [
        step.model_copy(update={"device": _device(step, devices, sentence, catalogue).id})
        for step in plan.steps
    ]
    return Plan(steps=tuple(routed))


def _device(step: Step, devices: tuple[Device, ...], sentence: str, catalogue: Catalogue) -> Device:
    able = [device for device in devices if step.function in device.functions]
    if not able:
        kinds = " or ".join(_CALLED[kind] for kind in catalogue[step.function].kinds)
        raise NoDevice(
            f"no approved device can {step.function.replace('_', ' ')}: it takes a {kinds}; "
            "`octopus devices` lists what was found"
        )
    if len(able) == 1:
        return able[0]
    named = [device for device in able if _named(device, sentence)]
    if len(named) == 1:
        return named[0]
    of_kind = [d for d in named or able if _kind_said(d.kind, sentence)]
    if len(of_kind) == 1:
        return of_kind[0]
    # The catalogue lists kinds in order of preference: a bare "set the volume" is the phone's.
    for kind in catalogue[step.function].kinds:
        first = [device for device in of_kind or named or able if device.kind == kind]
        if len(first) == 1:
            return first[0]
        if first:
            names = ", ".join(sorted(device.name for device in first))
            raise WhichDevice(f"which one: {names}?")
    return able[0]


def _named(device: Device, sentence: str) -> bool:
    return any(
        re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sentence, re.IGNORECASE)
        for name in (device.name, *device.aliases, device.room or "")
        if name
    )


def _kind_said(kind: Kind, sentence: str) -> bool:
    words = _KIND_WORDS.get(kind)
    return bool(words and re.search(rf"\b(?:{words})\b", sentence, re.IGNORECASE))
