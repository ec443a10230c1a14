"""What only sounds as if a request were asked about, forbidden or put off; for normal forms."""

import re

from orchestrator.guard.words import BASE, VERBS, phrases

_POSSIBLY = r"(?: (?:please|kindly|possibly|maybe|just|quickly|also|then|perhaps))*"
_I = r"(?:i|we) (?:(?:really|just|do|am|was|still|now|have|also) )*"
_YOU_CAN = rf"you (?:can|could|would|will)(?= {BASE}\b)"
_LEAD_INS = (
    # can you, would you be so kind as to
    rf"(?:can|could|will|would|might|may) (?:not )?(?:you|we){_POSSIBLY}"
    r"(?: be (?:able|so kind as|kind enough|so good as) to| help me(?: to)?)?"
    r"(?! (?:rather|recommend|advise|say (?:it|that|we|i)|want|like|have|bother|mind|please"
    r"|not)\b)",
    r"(?:can|could|may|might) i (?:get|ask|trouble|have) you to",
    rf"(?:can|could|may|might) i(?= (?:please )?{BASE}\b)",
    rf"(?:can|could|will|would) some(?:body|one)(?: please)?(?= {BASE}\b)",
    r"(?:are you|am i|(?:will|would) (?:i|you) be) able to",
    r"why (?:do |does )?not (?:you|we)|how about(?: you)?",
    r"(?:would|do) you(?: please)? mind(?: if i ask you to)?(?! not\b)|you would not mind",
    r"do (?:not )?you think (?:that )?you (?:can|could|would)",
    r"(?:is|would) (?:it|there) (?:be )?(?:at all )?possible (?:for (?:you|me) )?to",
    r"(?:is there )?(?:any|some|a) (?:chance|way) (?:that )?"
    r"(?:(?:you|i|we) (?:can|could|might|would)|to)",
    r"(?:is there )?any chance of(?: you)?(?= \w+ing)",
    # how do I
    rf"how (?:do|can|could|would|might) (?:i|we)(?: get you to)?(?= {BASE}\b)",
    r"what (?:do i have to say|is the (?:best|\w+est) way(?: for (?:me|us))?) to",
    # I want you to
    rf"(?<!\bdo )(?<!\bwould )(?<!\bwhat ){_I}(?:want|need|wish|must|allow|got to|have to|asking"
    r"|telling|going to need|would (?:really )?(?:like|love)|would prefer)"
    rf"(?: for)?(?: you)?(?: to)?(?= (?:{BASE}|\w+ed)\b)",
    rf"i (?:would )?ask you to|i am looking to(?= {BASE}\b)",
    r"i (?:am|was) hoping (?:that you (?:can|could)|to)",
    r"i (?:am |was )?(?:just )?wonder(?:ing)? (?:if|whether) (?:it is possible to"
    r"|(?:you|i|we) (?:can|could|would|will|might)(?: be able to)?)",
    rf"(?:it would|i would|it will) (?:\w+ ){{1,6}}if {_YOU_CAN}",
    r"i would (?:really )?appreciate it if you(?= \w+ed\b)",
    r"it would be \w+ (?:of|for) you to|i would be \w+ (?:for|to) you",
    r"you would be doing me a favor by|thanks in advance for",
    r"(?:all|what|the (?:only|next) thing) i (?:want|need)(?: right now)? is (?:for you )?to",
    r"my request is to",
    # be so kind and, make sure to, you may now
    r"do me a favor and|be (?:a dear|so kind|kind enough|so good|nice) (?:and|as to)|go ahead and",
    rf"help me(?: out)?(?: and| to)?(?= {BASE}\b)|let (?:us|me)(?= (?!start over){BASE}\b)",
    r"(?:make sure|be sure|see(?: to it)?|remember|try|feel free|be ready) (?:that you|you|to)"
    rf"(?= {BASE}\b)",
    r"do not (?:forget|hesitate) to",
    r"(?<!\bif )(?<!\bthink )you (?:can|could|may|should|might want to|must|need to|have to"
    rf"|have my permission to|are to)(?: now)?(?= {BASE}\b)",
    rf"i (?:said|repeat)(?= {BASE}\b)",
    r"(?<!\bbad )(?<!\bno )(?<!\bnot )(?<!\bit )(?:it is )?(?:okay|ok|fine|time|necessary)"
    rf" (?:for (?:you|me) )?to(?= {BASE}\b)",
)
_NO_QUESTION = r"(?<!\bhow )(?<!\bwhy )(?<!\bwhat )(?<!\bwhen )(?<!\bwhere )(?<!\bwho )"
_LEAD_IN = re.compile(rf"{_NO_QUESTION}\b(?:{'|'.join(_LEAD_INS)})\b")
_COMMAS = re.compile(r"(?:^| ),(?: ,)* ")

_NEUTRAL = phrases(
    # negations that forbid nothing
    r"do not disturb(?: (?:mode|me))?",
    r"do not (?:hesitate|forget|argue|worry(?! about (?:it|that))|be (?:shy|late|afraid)|mind|wait"
    r"|just sit there|make me \w+(?: \w+)?|take (?:too )?long|laugh|blink|panic|stop there"
    r"|let (?:me|us|any(?:one|body|thing)) (?:forget|sleep|disturb|bother|interrupt|miss))",
    r"do not leave [\w~' ]+ (?:open|on|off|unlocked|running|closed)(?= , (?!please ,)\w)",
    r"no (?:matter|problem|questions asked|excuses|rush|idea|doubt|worries|\w+ please(?= , \w))",
    r"no more(?: \w+ing(?= , \w)|(?= \w)(?! \w+ing\b))|(?<=remind me )not(?= to)",
    r"not (?:too|so|very|later but|only|that(?= \w)|as|enough)(?! much\b)",
    r"not sure (?:why|how|what|where)",
    r"(?:without|no) (?:any |further )+(?:delay|ado)|nothing else",
    # conditions that are politeness
    r"(?<!asked )(?<!asking )(?<!asks )(?:only |but )?if (?:you|i) "
    r"(?:can(?: hear me)?|could|would(?: be so kind)?|will|please|do not mind|may(?: ask)?|like"
    r"|wish|want|get (?:a|the) (?:chance|moment)|have (?:a|the|time)\b|am not mistaken"
    r"|are (?:listening|able|free|there|not (?:too )?busy))(?: to)?(?= ,| \w+)",
    r"(?<!and )if (?:(?:it|that|this) (?:is|would be) )?(?:at all )?(?:possible|okay|ok|fine"
    r"|all ?right|convenient|no (?:trouble|bother)|not too (?:much (?:trouble|to ask|bother)|late))"
    r"(?: (?:with|by|for) (?:you|me))?",
    r"unless i am asking too much|while you are (?:at it|there|on it)",
    r"(?:when(?:ever)?|as soon as|once) (?:possible|convenient|(?:(?:that|this|it) is )?done|ready"
    r"|you (?:can|could|get (?:a|the) \w+|have (?:a|the|time)\b(?: \w+)?|like"
    r"|are (?:ready|free|done|finished)))",
    r"(?<=check )(?:if|whether)|(?<=see )(?:if|whether)|(?<=say )if"
    r"|(?<=out )whether|(?<=report )whether",
    r"(?:tell|ask) (?:him|her|them|\w+|~) (?:if|when|whether)(?= ~)",
    # times that put nothing off
    r"(?:right |and )?(?:just )?(?:once|one) (?:more|again)(?: time)?",
    r"(?:all )?at once|just this once|for once|(?:right )?now that|look(?:ing)? after",
    r"(?:after|before) (?:that|this|which|anything else|i forget|it is (?:gone|over|too late)"
    r"|they (?:move|leave|go)|we leave)",
    r"as i (?:just |already )?said|i guess|last but not least",
)
_SEQUENCE = phrases(
    rf"(?:before|after|once|when|as soon as) you(?: have| are)?(?= (?:{VERBS}|\w+(?:ed|ing))\b)",
    r"once (?:you have|that is|this is|it is)",
)


def plain(text: str, *, several: bool) -> str:
    """A normal form with every polite lead-in cut down to ", please", and without idioms; with
    `several` requests, also without what orders them."""
    text = _NEUTRAL.sub("", _COMMAS.sub(" , ", " ".join(_LEAD_IN.sub(" , please ", text).split())))
    text = _SEQUENCE.sub(" ", text) if several else text
    return " ".join(text.split())
