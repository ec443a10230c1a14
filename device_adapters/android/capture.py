"""Pictures: from the camera and of the screen."""

from device_adapters.android import content, screen
from device_adapters.android.recipe import Arguments
from device_adapters.android.session import Session
from schemas.errors import DeviceRefused, DeviceUncertain, HubError
from schemas.outcome import Done, Evidence

CAMERA = "android.media.action.STILL_IMAGE_CAMERA"
IMAGES = "content://media/external/images/media"
SHUTTER = "27"
PNG = b"\x89PNG\r\n\x1a\n"
FRONT = (
    *("--ei", "android.intent.extras.CAMERA_FACING", "1"),
    *("--ei", "android.intent.extras.LENS_FACING_FRONT", "1"),
    *("--ez", "android.intent.extra.USE_FRONT_CAMERA", "true"),
)
"""A hint only: which cameras heed it depends on the camera app."""


async def take_a_photo(session: Session, arguments: Arguments) -> Done:
    """Open the camera and press the shutter once; a new picture in the gallery is the proof."""
    await screen.unlock(session)
    start = await content.clock(session)
    gallery = await content.watch(session, IMAGES, f"date_added>={start}")
    await session.ask("am", "start", "-W", "-a", CAMERA, *_facing(arguments))
    await session.tell("input", "keyevent", SHUTTER)

    async def look() -> list[content.Row] | None:
        return await gallery.new("_data")

    rows = await session.until(look)
    if rows is None:
        raise DeviceUncertain("the shutter was pressed, and no new photo was seen")
    return await _fetched(session, max(rows, key=lambda row: int(row[0]))[1])


def _facing(arguments: Arguments) -> tuple[str, ...]:
    return FRONT if arguments.get("camera") == "front" else ()


async def _fetched(session: Session, path: str) -> Done:
    """The photo was taken; whether the hub could copy it is only told."""
    try:
        return Done(
            evidence=Evidence.VERIFIED, result=await session.fetch(path), detail="Photo taken"
        )
    except HubError as exc:
        return Done(
            evidence=Evidence.VERIFIED, detail=f"Photo taken; it stayed on the phone: {exc}"
        )


async def take_screenshot(session: Session, arguments: Arguments) -> Done:
    """What the screen shows, as a PNG in the hub's folder."""
    picture = await session.output("screencap", "-p")
    if not picture.startswith(PNG):
        raise DeviceRefused("the phone made no picture of its screen")
    path = await session.keep("screen.png", picture)
    return Done(evidence=Evidence.VERIFIED, result=path, detail="Screenshot taken")
