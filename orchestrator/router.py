"""Which device runs a step: the one the sentence names, else the only one that can."""

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
    kinds = catalogue[step.function].kinds
    able = [device for device in devices if step.function in device.functions]
    if not able:
        raise NoDevice(_nobody(step, kinds))
    said = [device for device in able if _named(device, sentence)]
    meant = said + [d for d in able if d not in said and _kind_said(d.kind, sentence)]
    if meant:
        # "the Pixel phone" names one phone; "the phone … the office PC" names two devices.
        of_its_kind = [device for device in meant if device.kind == meant[0].kind]
        if len(meant) == 1 or (len(said) == 1 and of_its_kind == meant):
            return meant[0]
        raise WhichDevice(_question(meant))
    elsewhere = [kind for kind in kinds if _kind_said(Kind(kind), sentence)]
    if elsewhere:
        raise NoDevice(_nobody(step, tuple(elsewhere)))
    # The catalogue lists kinds in order of preference: a bare "set the volume" is the phone's.
    first = [device for device in able if device.kind == _preferred(able, kinds)]
    if len(first) == 1:
        return first[0]
    raise WhichDevice(_question(first))


def _preferred(able: list[Device], kinds: tuple[str, ...]) -> str:
    """The first kind of the catalogue that somebody able has; else that of the first able one."""
    there = [kind for kind in kinds if any(device.kind == kind for device in able)]
    return there[0] if there else able[0].kind


def _nobody(step: Step, kinds: tuple[str, ...]) -> str:
    wanted = " or ".join(_CALLED[kind] for kind in kinds)
    return (
        f"no approved device can {step.function.replace('_', ' ')}: it takes a {wanted}; "
        "`octopus devices` lists what was found"
    )


def _question(devices: list[Device]) -> str:
    return f"which one: {', '.join(sorted(device.name for device in devices))}?"


def _named(device: Device, sentence: str) -> bool:
    return any(
        re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sentence, re.IGNORECASE)
        for name in (device.name, *device.aliases, device.room or "")
        if name
    )


def _kind_said(kind: Kind, sentence: str) -> bool:
    words = _KIND_WORDS.get(kind)
    return bool(words and re.search(rf"\b(?:{words})\b", sentence, re.IGNORECASE))
