"""The colours of lamps that CSS has no name for."""

COLORS = {
    "warm white": "#ffd6aa",
    "soft white": "#ffe4c4",
    "neutral white": "#fff1e0",
    "cool white": "#e6f0ff",
    "daylight": "#f5faff",
    "amber": "#ffbf00",
    "rose": "#ff007f",
}
"""Name to #rrggbb; whites as a black body of 2,700 to 6,500 K looks, roughly."""
