"""What Google News calls a language where a household lives: pure. It answers no other pairs."""

from urllib.parse import urlencode

_REGIONS = {
    language: tuple(regions.split())
    for language, regions in {
        "ar": "EG AE LB SA", "bg": "BG", "bn": "BD IN", "cs": "CZ", "da": "DK", "de": "DE AT CH",
        "el": "GR", "en": "US GB AU BW CA ET GH ID IE IL IN KE LV MY NA NG NZ PH PK SG TZ UG ZA ZW",
        "es": "ES AR CL CO CU MX PE US VE", "fi": "FI", "fr": "FR BE CA CH MA SN", "he": "IL",
        "hi": "IN", "hu": "HU", "id": "ID", "it": "IT", "ja": "JP", "ko": "KR", "lt": "LT",
        "lv": "LV", "ml": "IN", "mr": "IN", "ms": "MY", "nl": "NL BE", "no": "NO", "pl": "PL",
        "pt": "PT BR", "ro": "RO", "ru": "RU UA", "sk": "SK", "sl": "SI", "sr": "RS", "sv": "SE",
        "ta": "IN", "te": "IN", "th": "TH", "tr": "TR", "uk": "UA", "vi": "VN", "zh": "CN HK TW",
    }.items()
}  # fmt: skip
"""The regions that have an edition in a language; the first where the household is elsewhere."""
_SAME = {"nb": "no", "nn": "no", "iw": "he", "in": "id"}
_AMERICAN = "419"
"""Latin America (UN M49)."""


def edition(language: str, region: str) -> str | None:
    """The part of an address that asks for it, like `hl=de&gl=AT&ceid=AT:de`; None where there is
    no edition in the language."""
    language = _SAME.get(language, language)
    regions = _REGIONS.get(language)
    if regions is None:
        return None
    region = region if region in regions else regions[0]
    shown, read = _written(language, region)
    return urlencode({"hl": shown, "gl": region, "ceid": f"{region}:{read}"}, safe=":")


def _written(language: str, region: str) -> tuple[str, str]:
    """The language as the page's own, and as its articles'."""
    match language, region:
        case "es", "ES":
            return "es", "es"
        case "es", _:
            return f"es-{_AMERICAN}", f"es-{_AMERICAN}"
        case "pt", "BR":
            return "pt-BR", f"pt-{_AMERICAN}"
        case "pt", _:
            return "pt-PT", "pt-150"
        case "zh", "CN":
            return "zh-CN", "zh-Hans"
        case "zh", _:
            return f"zh-{region}", "zh-Hant"
        case ("en", _) | ("fr", "CA"):
            return f"{language}-{region}", language
        case _:
            return language, language
