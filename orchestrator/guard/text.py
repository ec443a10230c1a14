"""A sentence in the one form that the guard's patterns are written for."""

import re

from schemas.function import ParameterType

BLANK = "~"
"""Stands for somebody's content: a noun that says nothing."""
Said = tuple[tuple[str, ParameterType], ...]
"""The arguments copied from a sentence."""

_FREE = frozenset({ParameterType.TEXT, ParameterType.URL})
_COUNTED = frozenset({ParameterType.INTEGER, ParameterType.NUMBER, ParameterType.ENUM})
_WORDLESS = frozenset({*_COUNTED, ParameterType.TIME, ParameterType.DATETIME})
_AMOUNT = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|half|hundred"
    r"|\w+t(?:een|y))\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|(?<!\w)'[^']*'(?!\w)")
_TURNS = re.compile(
    r"\b(?:no|not|never|\w+n'?t|wait|mean|meant|sorry|actually|scratch|rather|except|excluding"
    r"|but|apart|aside|other|besides|without|if|unless|when|whenever|once|until|till|while"
    r"|or|instead|oops|correction|make (?:that|it)|provided|depending|said|save|minus|bar)\b",
    re.IGNORECASE,
)
_TIMES = re.compile(
    r"\b(?:later|tomorrow|tonight|today|after|before|at|every|in|(?:on|next) \w+day"
    r"|it|that|this|these|those|them|him|her|ones?|(?:some|any)?thing|(?:some|any)one|usual"
    r"|all|every\w*)\b",
    re.IGNORECASE,
)
_POINTING = frozenset({"it", "this", "that", "them", "him", "her", "something", "it to"})
_STRAY = re.compile(
    r"(?<=[\w,.] )(?:no,? (?:no|wait|sorry|not)|wait,? no|(?:scratch|strike) that|i meant"
    r"|actually,? (?:no|don'?t))\b"
    r"|(?<=, )no,(?= )",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"\b(ca|do|does|did|could|wo|would|should|is|are|was|were|has|have|had|need|must|might|sha|ai)"
    r"n[' ]?t\b|\b(can|do|does|did)not\b"
)
_STEMS = {"ca": "can", "wo": "will", "sha": "shall", "ai": "am"}
_SHORT = re.compile(
    r"\b(\w+)'(m|re|ve|d|ll)\b|\b(it|that|what|who|where|how|there|s?he|here|when|why|this|which"
    r"|(?:every|no|some)(?:one|body|thing))'s\b"
)
_ENDINGS = {"m": "am", "re": "are", "ve": "have", "d": "would", "ll": "will"}
_I_WOULD = re.compile(r"\bid(?= (?:like|love|rather|prefer|appreciate|be|ask|better|want)\b)")
_I_WILL = re.compile(r"\bill(?= (?:do|be|take|go|get|just|handle|call|lock|turn)\b)")
_WORDS = {
    "u": "you", "im": "i am", "ive": "i have", "youre": "you are",
    "youve": "you have", "youd": "you would", "youll": "you will", "theyre": "they are",
    "weve": "we have", "thats": "that is", "whats": "what is", "whos": "who is",
    "wheres": "where is", "theres": "there is", "shes": "she is", "hes": "he is", "hows": "how is",
    "itd": "it would", "itll": "it will",
    "let's": "let us", "lets": "let us", "pls": "please", "plz": "please", "wanna": "want to",
    "gonna": "going to", "gotta": "got to", "gimme": "give me", "lemme": "let me",
    "til": "until", "till": "until", "'til": "until", "favour": "favor",
}  # fmt: skip
_WORD = re.compile(rf"(?<![\w'])(?:{'|'.join(_WORDS)})(?![\w'])")
_MARK = re.compile(r"[.,!?;:…]+(?=\s|$)|[—–()…]|\.{2,}|\s[-/]\s")


def normal(sentence: str, said: Said) -> str:
    """Lower case, contractions written out, content blanked, and a comma wherever a clause may
    begin or end: `, turn on the lamp , no , the fan ,`."""
    text = sentence.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    text = _blanked(_QUOTED.sub(f" {BLANK} ", text), said).lower()
    text = _NOT.sub(_negated, text)
    text = _I_WILL.sub("i will", _I_WOULD.sub("i would", text))
    text = _SHORT.sub(_long, text)
    text = _WORD.sub(lambda match: _WORDS[match[0]], text)
    clauses = (" ".join(clause.split()) for clause in _MARK.split(text))
    return f", {' , '.join(clause for clause in clauses if clause)} ,"


def _blanked(text: str, said: Said) -> str:
    """Without what is content. A short reference that holds a word which may turn the sentence
    stays: the model may have copied too much."""
    for piece, kind in sorted(said, key=lambda pair: len(pair[0]), reverse=True):
        if piece.lower() in _POINTING:
            continue
        piece = piece.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
        if kind in _FREE:
            stray = _STRAY.search(piece)
            piece = piece[: stray.start()].rstrip(" ,.") if stray else piece
        elif _may_turn(piece, kind):
            continue
        text = re.sub(rf"(?<!\w){re.escape(piece)}(?!\w)", BLANK, text)
    return text


def _may_turn(piece: str, kind: ParameterType) -> bool:
    """Whether a short reference holds a word that may turn the sentence, or is no reference."""
    if kind in _COUNTED and not _AMOUNT.search(piece):
        return True
    return bool(_TURNS.search(piece)) or (kind not in _WORDLESS and bool(_TIMES.search(piece)))


def _negated(match: re.Match[str]) -> str:
    stem = match[1] or match[2]
    return f"{_STEMS.get(stem, stem)} not"


def _long(match: re.Match[str]) -> str:
    return f"{match[1]} {_ENDINGS[match[2]]}" if match[1] else f"{match[3]} is"
