"""The grammar of times in English: which words of a text may belong to one."""

import re
from typing import NamedTuple

from orchestrator.times import lengths, rhythmwords, zones

_WEEKDAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b"
VERBS = r"""(?:please|turn|switch|put|set|open|close|lock|unlock|start|stop|play|wake|remind|call
    |text|send|email|dim|raise|lower|mute|run|water|charge)\b"""
"""Verbose pattern of what a request begins with, behind its time."""
# "on sun records" is no Sunday: a short name ends the day, or a time of it follows.
_HALF = r"\s*[ap]\.?\s?m\b\.?"
_TIMED = rf"(?:noon|midday|midnight|\d{{1,2}}(?:[:.]\d\d{_HALF}|:\d\d|{_HALF}))"
_SHORT = rf"""(?:(?<=on\ )|(?<=next\ )|(?<=this\ )|(?=\w+\s+(?:at\s+)?{_TIMED}))
    (?:mon|tues?|wed|thu(?:rs?)?|fri|sat|sun)\b(?=\s*(?:$|[,.;!?]|\d|{VERBS}|(?:at|from|by|for|the|in|next|noon|midnight|morning|afternoon
    |evening|night)\b))"""
_MONTH = r"""(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?
    |sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b"""
_SEASON = r"""(?:january|february|march|april|may|june|july|august|september|october|november
    |december|spring|summer|autumn|fall|winter)\b"""
_YEAR = r"(?:(?:19|20)\d\d(?!\d|\s*hours)|20\s+2[5-9]\b)"
_OFDAY = r"(?:morning|afternoon|evening|night)"
_ORDINAL = r"\d+(?:st|nd|rd|th)"
_MONTHDAY = rf"(?:{_ORDINAL}|last\s+day)"
_AND = r"(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*)(?:on\s+)?(?:the\s+)?"
_DATED = rf"""(?:(?:(?:next|this|coming)\s+)*(?:mon|tue|wed|thu|fri|sat|sun|week)|work|every|each
    |the\s+(?:\d|last|week|\w+day\b)
    |\d+(?:st|nd|rd|th|-\d|\.\d|\s+(?:of\s+)?{_MONTH})|{_MONTH})"""
_SHIFT = rf"""(?<!in\ )(?<!times\ )(?<!twice\ ){lengths.COUNT}\s*-?\s*
    (?:days?\s+(?:from|after)|(?:weeks?|fortnights?)(?:\s+(?:from|after|on))?)"""
_BETWEEN = rf"""(?:(?:(?<=from\ )|(?<=between\ ))(?:{_TIMED}|\d{{1,2}}(?![\d.:]))
        \s*(?:to|till?|until|and|-|–)\s*(?:{_TIMED}|\d{{1,2}}(?![\d.:/]))
    |{_TIMED}\s*(?:to|-|–)\s*{_TIMED})(?:\s*o['’]?\s?clock)?"""
# Most words of a sentence are passed by at their first letter.
_FIRST = r"(?=[abcdefhijlmnoqstwy\d@½¼¾⅓⅔])"
_PIECE = re.compile(
    rf"""(?<![\w.:/-]){_FIRST}(?P<lead>(?:later\s+(?:on\s+)?)?(?:(?:starting|beginning)\s+)?
        (?:(?:of|from|for|by)\s+)?(?:@\s?|at\s+|on\s+(?={_DATED}))?(?:(?:about|around)\s+)?)(?:
    (?P<rhythm>{rhythmwords.WORDS})
  | (?P<past>(?:the\s+)?day\s+before\s+yesterday|yesterday
      |last\s+(?:{_WEEKDAY}(?!\s+(?:of|in)\b)|{_OFDAY}|week|month|year)|{lengths.LONG}\s+ago)
  | (?P<ahead>(?:in|after)\s+{lengths.LONG}(?:['’]?\s+time\b)?|{lengths.LONG}\s+from\s+now\b)
  | (?P<vague>(?P<range>{_BETWEEN})
      | (?:the\s+)?(?:{_ORDINAL}|last(?=\s+\w+\s+(?:of|in)\b))\s+{_WEEKDAY}
            (?:\s+(?:of|in)\b(?:\s+(?:(?:the|this|next)\s+month\b|{_MONTH}))?)?
      | (?:this|next)\s+(?:year\b|week\s?end\b|{_SEASON})
      | (?:at|on|over)\s+the\s+week\s?end\b
      | in\s+(?:the\s+)?{_SEASON}(?!\s+(?:garden|house|room)\b)
      | (?:twice|\d+\s+times)\s+(?:a|per)\s+(?:minute|hour|day|week|month|year)\b)
  | (?P<date>(?P<year1>\d{{4}})-(?P<month1>\d\d)-(?P<monthday1>\d\d)
      | (?P<monthday2>\d{{1,2}})\.(?P<month2>\d{{1,2}})\.(?P<year2>{_YEAR})?
      | (?:the\s+)?(?<!at\ )(?<!@)(?<!@\ )(?P<monthday3>\d{{1,2}})(?:st|nd|rd|th)?
            \s+(?:(?:of|in)\s+)?(?P<month3>{_MONTH})(?:,?\s+(?P<year3>{_YEAR}))?
      | (?P<month4>{_MONTH})\s+(?:the\s+)?(?P<monthday4>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)
            (?!\s*(?:[:.]\d|[ap]\.?\s?m\b|o['’]?\s?clock))(?:,?\s+(?P<year4>{_YEAR}))?
      | (?:the\s+)?(?P<monthdays>{_MONTHDAY}(?:{_AND}{_MONTHDAY}){{0,5}})
            (?!\s+thing\b)(?:\s+of\s+the\s+month)?)
  | (?P<period>(?:next|this)\s+(?:week|month)\b)
  | (?P<day>(?:(?P<shift>{_SHIFT})\s+)?
      (?:(?P<offset>(?:the\s+)?day\s+after\s+tomorrow|today|tomorrow)
      | (?:(?:(?<=on\ )the\s+|the\s+(?=\w+\s+after\s+next\b))
            |(?P<next>next|this\s+coming|this|coming)\s+)?
            (?P<weekday>{_WEEKDAY}|{_SHORT}))
      (?P<late>\s+after\s+next\b|\s+week\b)?)
  | (?P<part>tonight|(?:(?P<whose>this|in\s+the)\s+)?{_OFDAY})
  | (?P<clock>(?:(?:12\s+)?(?P<named>noon|midday|midnight)
      | (?<!from\ )(?P<minutes>half|(?:a\s+)?quarter
            |(?!\d?[1-46-9]\s+(?:to|before|till?)\b)\d{{1,2}}|\d{{1,2}}(?=\s+minutes?\b))
            (?:\s+minutes?)?\s+(?P<side>past|to|before|after|till?)
            \s+(?P<of>\d{{1,2}}|noon|midnight)(?![\d:.])
      | half\s+(?P<british>\d{{1,2}})
      | (?P<hour>\d{{1,2}})(?:(?:\s?:\s?|(?:(?<=\d\d)|(?<=at\ \d))\s?h\s?)(?P<exact>\d\d)(?::00)?
            |(?:\.|\s+)(?P<minute>[0-5]\d))(?!\d)
      | (?P<military>\d{{4}})\s+hours
      | (?P<bare>(?!0\b(?!\s*o))\d{{1,2}})(?![.:]?\d))
      (?:\s*o['’]?\s?clock)?(?:\s*(?P<half>[ap])\.?\s?m\b\.?)?)
    )(?!\w|['’]s\b|\s?%)""",
    re.VERBOSE | re.IGNORECASE,
)
_MEAL = r"(?:breakfast|lunch|dinner|supper|bedtime|sun(?:rise|set)|dawn|dusk)"
VAGUE = re.compile(
    rf"\b(?:(?<!as\ )soon|later|(?<!for\ )(?:at\s+)?some\s?(?:time|day|point)|eventually|shortly"
    rf"|in\s+(?:a|the)\s+(?:bit|while|moment|few\s+\w+|near\s+future|future)"
    rf"|(?:(?:at|around|by|during)\s+{_MEAL}|(?:after|before)\s+(?:{_MEAL}|work|school|bed|dark))\b"
    r"(?!\s+(?:is|was)\b))\b",
    re.IGNORECASE,
)
"""Words for a time that stands for none, unless a time of day stands beside them."""
_FILLER = re.compile(
    r"\b(?:in|for|of|and|the|on|at|by|a|timer|about|around|from now|please|1st\s+thing)\b|[,.!?]",
    re.I,
)


class Piece(NamedTuple):
    """One part of a time expression, and where it stands."""

    kind: str  # rhythm, past, ahead, vague, date, period, day, part, clock or zone
    match: "re.Match[str]"

    @property
    def words(self) -> str:
        """As it was said, but for the numbers."""
        return " ".join(self.match[0].split())

    @property
    def lead(self) -> str:
        """The small words before it ("starting from"), in lower case."""
        return "" if self.kind == "zone" else self.match["lead"].lower()


def pieces(text: str) -> tuple[Piece, ...]:
    """Whatever may belong to a time expression, in a text whose numbers are `spelled`."""
    found: list[Piece] = []
    match = _PIECE.search(text)
    while match is not None:
        found.append(Piece(str(match.lastgroup), match))
        zone = zones.behind(text, match.end())
        if zone is not None and any(piece.kind == "clock" for piece in found):
            found.append(Piece("zone", zone))
        match = _PIECE.search(text, found[-1].match.end())
    return tuple(found)


def rest(text: str, found: tuple[Piece, ...]) -> str:
    """What the pieces leave of the text, without filler."""
    for piece in reversed(found):
        text = text[: piece.match.start()] + " " + text[piece.match.end() :]
    return without_filler(text)


def without_filler(text: str) -> str:
    """The words that are no mere "on the" or "please"."""
    return " ".join(_FILLER.sub("", text).split())
