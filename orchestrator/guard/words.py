"""The words that the guard's patterns are made of."""

import re


def listed(words: str) -> frozenset[str]:
    """Words in a line, as a set."""
    return frozenset(words.split())


def phrases(*some: str) -> re.Pattern[str]:
    """A pattern of any of these, as whole words."""
    return re.compile(rf"(?<![\w~'])(?:{'|'.join(some)})(?![\w~'])")


VERBS = (
    "access|activate|add|adjust|alert|announce|answer|arm|arrange|ask|beep|begin|block|bolt|book"
    "|boost|boot|brighten|bring|browse|bump|buzz|call|capture|change|charge|check|click|close"
    "|compose|connect|continue|cool|crank|create|cut|darken|deactivate|decrease|dial|dim|direct"
    "|disable|disconnect|display|do|draw|drive|drop|email|enable|end|enter|fetch|find|finish|fire"
    "|flash|flip|forward|get|give|go|grab|guide|halt|hang|have|head|heat|hit|hold|honk|hook|increase"
    "|interrupt|keep|key|kill|launch|leave|let|lift|light|link|list|listen|load|lock|look|lower"
    "|mail|make|map|mark|message|move|mute|navigate|note|notify|open|paint|pair|paste|pause|phone"
    "|photograph|pick|ping|place|plan|play|plug|pop|post|power|press|pull|push|put|raise|read"
    "|reboot|record|reduce|release|remind|reply|report|reset|resume|respond|ring|roll|route|run"
    "|save|say|schedule|search|secure|see|send|set|shoot|shout|show|shut|silence|skip|slide|snap"
    "|sound|spin|start|stop|store|stream|switch|take|tap|tell|text|tilt|toggle|tune|turn|type"
    "|unblock|unbolt|unlatch|unlock|unmute|unpause|unplug|up|update|use|visit|wake|warm|watch|write"
)
"""What devices are told to do, in the base form."""
_MORE = "advise|confirm|decrement|describe|explain|increment|repeat|return|teach|try|wait"
BASE = rf"(?:{VERBS}|{_MORE})"
"""Any verb that may begin a request."""
BASES = frozenset(f"{VERBS}|{_MORE}".split("|"))
_BENT = listed(
    "begin bring cut do draw drive find get give go hang have hit hold keep leave let make put read"
    " ring run say see send set shoot shut slide spin take tell wake write"
)
_IRREGULAR = (
    "began|begun|brought|built|cut|did|done|drawn|drew|driven|drove|found|gave|given|gone|got|held"
    "|hit|hung|kept|left|let|made|put|ran|rang|read|rung|said|saw|seen|sent|set|shot|shut|slid|spun"
    "|taken|told|took|went|woke|woken|written|wrote"
    "|failed|finished|forgot|forgotten|managed|meant|spent|used"
)


def _past(verb: str) -> set[str]:
    """The past of a regular verb; whether its last letter doubles is left open."""
    if verb[-1] == "y" and verb[-2] not in "aeiou":
        return {f"{verb[:-1]}ied"}
    return {f"{verb}d"} if verb[-1] == "e" else {f"{verb}ed", f"{verb}{verb[-1]}ed"}


ACTED = frozenset(_IRREGULAR.split("|")).union(*(_past(verb) for verb in BASES - _BENT))
"""What has been done, of the same verbs."""
ACTING = (
    r"(?!(?:\w*thing|evening|morning|ceiling|living|dining|building|during|king|ring|bring|spring"
    r"|string|sing|wing|ping|being|meeting|wedding|parking|sling|thinking|wondering|looking)\b)"
    r"\w+ing"
)
"""A gerund, not a noun that looks like one."""
PRONOUN = (
    r"(?:i|we|you|he|she|it|they|(?:some|any|every|no)(?:body|one|thing)|no one|who(?:ever)?|there)"
)
DETERMINER = r"(?:my|our|your|his|her|their|the|this|that|these|those|a|an|all|every|some)"
WORD = r"[\w'~]+"
SUBJECT = rf"(?:{PRONOUN}|{DETERMINER} (?:{WORD} ){{0,4}}?{WORD}|[\w'~.]+(?: (?:and )?[\w'~.]+)?)"
FINITE = (
    r"(?:am|is|are|was|were|has|have|had|does|do|did|will|would|can|could|should|shall|must|might"
    r"|may|wants?|needs?|used|gets|got)"
)
