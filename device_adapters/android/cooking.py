"""Runs recipes on a phone: a call, a look whether an earlier one happened, how the phone is."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress

from device_adapters.android import steps
from device_adapters.android.filling import in_pattern
from device_adapters.android.recipe import Recipe, Steps
from device_adapters.android.run import Absent, Drafted, Ended, NextVariant, Run
from device_adapters.android.session import Session
from schemas.base import Scalar
from schemas.errors import DeviceRefused, DeviceUncertain
from schemas.outcome import Done, Evidence, Result

Arguments = Mapping[str, Scalar | None]
Variants = tuple[Recipe, ...]

LARGEST = 10**18
"""No number that means anything to a phone is larger."""

_SDK = ("getprop", "ro.build.version.sdk")


async def call(variants: Variants, session: Session, arguments: Arguments) -> Done:
    """Run the first variant that is for this phone and these arguments."""
    for recipe in variants:
        run = await _begun(recipe, session, arguments)
        if run is None:
            continue
        try:
            return await _done(recipe, run)
        except NextVariant:
            if session.acted:
                raise DeviceUncertain("the phone's answer is not understood") from None
        except Drafted as drafted:
            return Done(evidence=Evidence.DRAFTED, detail=str(drafted))
        except DeviceRefused as refused:
            await _unwind(recipe, run, refused)
            raise
    raise DeviceRefused("this phone offers no way to do that")


async def probe(variants: Variants, session: Session, arguments: Arguments) -> Done | None:
    """Look whether an earlier call happened; None where it did not, or nothing tells."""
    for recipe in variants:
        run = await _begun(recipe, session, arguments)
        if run is None or recipe.probe is None:
            continue
        try:
            await _through(recipe.probe, run)
        except Absent:
            return None
        except NextVariant:
            continue
        return Done(evidence=run.evidence, detail=_told(recipe, run))
    return None


async def present(
    variants: Variants, session: Session, arguments: Arguments
) -> dict[str, Scalar | None] | None:
    """What a call would change, as the arguments that would set it as it is now."""
    for recipe in variants:
        run = await _begun(recipe, session, arguments)
        if run is None or recipe.present is None:
            continue
        try:
            await _through(recipe.present.steps, run)
        except (Absent, NextVariant):
            continue
        now = {name: run.value(text) for name, text in recipe.present.arguments.items()}
        return None if None in now.values() else now
    return None


async def _begun(recipe: Recipe, session: Session, arguments: Arguments) -> Run | None:
    """A run of this variant; None where it is not for this phone and these arguments."""
    for name, value in arguments.items():
        if isinstance(value, int) and abs(value) > LARGEST:
            raise DeviceRefused(f"{name} is too large a number")
    for name in recipe.required:
        if not str(arguments.get(name) or "").strip():
            raise DeviceRefused(f"{name} is missing")
    run = Run(session, {**arguments, "key": session.key})
    if recipe.depends_on("sdk"):
        run.values["sdk"] = await _sdk(session)
    if not steps.holds(recipe.when, run):
        return None
    if recipe.offers is not None:
        answer = await session.answer(*run.words(recipe.offers.ask))
        says = run.fill(recipe.offers.says, in_pattern)
        if not steps.found(says, answer.stdout + answer.stderr, run):
            return None
    return run


async def _sdk(session: Session) -> str:
    if not session.sdk:
        said = (await session.ask(*_SDK)).strip()
        if re.fullmatch("[0-9]{1,3}", said) is None:
            raise DeviceRefused("the phone does not tell its Android version")
        session.sdk = said
    return session.sdk


async def _through(some: Steps, run: Run) -> None:
    with suppress(Ended):
        for step in some:
            if steps.holds(step.when, run):
                await step.run(run)


async def _done(recipe: Recipe, run: Run) -> Done:
    await _through(recipe.steps, run)
    evidence = run.evidence if recipe.evidence is Evidence.VERIFIED else recipe.evidence
    return Done(evidence=evidence, result=_result(recipe, run), detail=_told(recipe, run))


def _told(recipe: Recipe, run: Run) -> str:
    return run.fill(recipe.done, missing="") + run.note


def _result(recipe: Recipe, run: Run) -> Result | None:
    if recipe.result is None:
        return None
    if isinstance(recipe.result, dict):
        table = {name: run.value(text) for name, text in recipe.result.items()}
        return json.dumps(table, ensure_ascii=False)
    return run.value(recipe.result)


async def _unwind(recipe: Recipe, run: Run, refused: DeviceRefused) -> None:
    """Take back what was half done, as far as it got; `DeviceUncertain` where half of it stays."""
    for words in recipe.unwind:
        if not all(place.name in run.values for template in words for place in template.places):
            continue
        try:
            await run.session.tell(*run.words(words))
        except DeviceRefused as exc:
            raise DeviceUncertain(f"half done: {refused}; not taken back: {exc}") from exc
