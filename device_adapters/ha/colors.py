"""Colours as lamps take and report them: pure. Red, green and blue are 0 to 255."""

from __future__ import annotations

import colorsys

Rgb = tuple[int, int, int]

# Linear red, green and blue to CIE XYZ for the wide gamut of lamps (D65), and back.
_TO_XYZ = (
    (0.664511, 0.154324, 0.162028),
    (0.283881, 0.668433, 0.047685),
    (0.000088, 0.072310, 0.986039),
)
_FROM_XYZ = (
    (1.656492, -0.354851, -0.255038),
    (-0.707196, 1.655397, 0.036152),
    (0.051713, -0.121364, 1.011530),
)
_SAME = 14.0
"""How far a channel may be off: lamps round hue to degrees and xy to four digits."""
WHITES: dict[Rgb, int] = {
    (255, 214, 170): 2700,  # warm white
    (255, 228, 196): 3000,  # soft white
    (255, 241, 224): 3500,  # neutral white
    (255, 255, 255): 4000,
    (230, 240, 255): 5000,  # cool white
    (245, 250, 255): 6500,  # daylight
}
"""The whites that have names, in kelvin: a lamp makes them better of its white light."""


def rgb_to_hs(rgb: Rgb) -> tuple[float, float]:
    """Hue in degrees and saturation in per cent."""
    hue, saturation, _ = colorsys.rgb_to_hsv(*(channel / 255 for channel in rgb))
    return round(hue * 360, 2), round(saturation * 100, 2)


def hs_to_rgb(hue: float, saturation: float) -> Rgb:
    """The brightest colour of a hue in degrees and a saturation in per cent."""
    return _whole(colorsys.hsv_to_rgb(hue % 360 / 360, max(0.0, min(saturation / 100, 1.0)), 1.0))


def rgb_to_xy(rgb: Rgb) -> tuple[float, float]:
    """CIE 1931 x and y; black has the white point's."""
    x, y, z = _times(_TO_XYZ, [_linear(channel / 255) for channel in rgb])
    total = x + y + z
    return (round(x / total, 4), round(y / total, 4)) if total else (0.3227, 0.329)


def xy_to_rgb(x: float, y: float) -> Rgb:
    """The brightest colour of CIE 1931 x and y."""
    if y <= 0:
        return 0, 0, 0
    linear = [max(0.0, channel) for channel in _times(_FROM_XYZ, (x / y, 1.0, (1 - x - y) / y))]
    most = max(linear) or 1.0
    return _whole([_gamma(channel / most) for channel in linear])


def same(one: Rgb, other: Rgb) -> bool:
    """Whether two colours are one, whatever their brightness."""
    pairs = zip(_brightest(one), _brightest(other), strict=True)
    return all(abs(a - b) <= _SAME for a, b in pairs)


def _brightest(rgb: Rgb) -> list[float]:
    most = max(*rgb, 1)
    return [channel * 255 / most for channel in rgb]


def _times(
    matrix: tuple[tuple[float, float, float], ...], vector: tuple[float, ...] | list[float]
) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def _linear(channel: float) -> float:
    return ((channel + 0.055) / 1.055) ** 2.4 if channel > 0.04045 else channel / 12.92


def _gamma(channel: float) -> float:
    return 1.055 * channel ** (1 / 2.4) - 0.055 if channel > 0.0031308 else 12.92 * channel


def _whole(channels: list[float] | tuple[float, float, float]) -> Rgb:
    red, green, blue = (max(0, min(255, round(channel * 255))) for channel in channels)
    return red, green, blue
