"""What people of a region (ISO 3166) measure in."""

FAHRENHEIT = frozenset({"US", "BS", "BZ", "KY", "PW", "LR", "FM", "MH"})
"""Regions where a temperature is in °F (CLDR, unitPreferenceData)."""
MILES = FAHRENHEIT | {"GB"}
"""Regions where a speed is in miles an hour."""
