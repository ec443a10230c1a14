"""The words by which a sentence forbids acting on it now, by kind; for normal forms."""

import re
from enum import StrEnum

from orchestrator.guard.words import ACTING, DETERMINER, PRONOUN, VERBS, WORD, phrases


class Kind(StrEnum):
    """Why nothing may be done now."""

    NEGATION = "negation"
    EXCEPTION = "exception"
    CONDITION = "condition"
    TIME = "time"
    HYPOTHETICAL = "hypothetical"
    INFORMATIONAL = "informational"
    REPORTED = "reported"
    PAST = "past"
    CORRECTION = "correction"
    CANCELLATION = "cancellation"
    VAGUE = "vague"


_SOME = rf"{WORD}(?: {WORD})*"
_STATE = (
    r"(?:on|off|open|closed|shut|locked|unlocked|alone|be|untouched|running"
    r"|(?:exactly )?(?:as|how|the way) it (?:is|was))"
)
NEGATION = phrases(
    r"not|never|no|nobody|no one|none|neither|nor|nothing|refrain|abstain|forbid(?:den)?",
    rf"steer clear|stay away|hands off|hold(?:ing)? (?:off|back)|(?:skip|against|avoid) {ACTING}",
    r"spare us|resist|stop yourself|out of the question|none of your|mistake to|bad (?:idea|time)",
    rf"(?:keep|leave|let) (?!me\b|us\b|playing\b)(?:{WORD} ){{1,6}}?{_STATE}(?: ,| as| for| the)",
    rf"(?:stays?|remain|fine|happy)(?: {WORD}){{0,5}}? (?:the way|as|how|untouched)",
    rf"i (?:can|will) {_SOME} (?:myself|on my own|by hand)|leave it to|do without|better off",
    r"instead of|rather than|(?:i )?would (?:hate|be upset|rather you)",
    rf"too (?:early|late) (?:in [\w ]+ )?to|last thing|quit {ACTING}|(?:should|must|to) stay",
)
NEGATIVE_QUESTION = phrases(
    r"(?:is|are|was|were|has|have|had|does|can|could|will|would|do i|did)(?: [\w'~]+){0,4}? not",
    r"or not|did (?:i|we|\w+) (?:leave|keep)|no(?:thing|body| one)?(?= \w+ (?:in|on|at|about))",
)
"""What is no negation where somebody only asks how things are."""
_ALL = r"(?:every\w*|all|any\w*|nothing|none|no \w+|each|lot|whole)"
EXCEPTION = phrases(
    r"except(?:ing|ed|ions?)?|exclud(?:e|es|ed|ing)|exempt|apart from|aside from|other than",
    rf"{_ALL}(?: {WORD}){{0,4}}? (?:but|bar|save(?: for)?|minus|besides|sans|aside)"
    r"(?! (?:please|also|first|then|do|i|it is|now|there)\b)",
    rf"(?:but|just|only|and|or) not (?:in|on|for|{DETERMINER}|{ACTING})|not the {_SOME} ,",
    r"(?:but|just|only) (?:leave|skip|spare|keep)(?! (?:going|playing|me)\b)",
    rf"and (?:leave|keep) {_SOME} (?:going|running)|leav(?:e|ing) (?:{_SOME} )?out",
    rf"(?:keep|leave) only|(?:without|minus|bar) (?:the|my|~|{ACTING})|save for|everything else",
    rf"(?:everything|all|lot) (?:{WORD} )*, (?:but |and )?(?:keep|save|spare|leave)",
    rf", {_SOME} (?:aside|excepted)|all the (?:others|rest)|only {_SOME} (?:has|have) to stay",
)
_HOUR = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|noon|midnight|half past"
    r"|quarter|\d{1,2}(?::\d\d)?)"
)
_DAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|week(?:days?|ends?)|christmas|birthdays?)"
_MONTH = r"(?:\w+uary|march|april|may|june|july|august|\w+ber)"
_DATE = rf"(?:(?:the |next )?(?:{_HOUR}|{_DAY}|{_MONTH}|\d|tomorrow|tonight))"
CONDITION = phrases(
    rf"until(?! {_DATE})",
    r"if|when|whenever|unless|whether|upon|once(?! (?:a|per|every)\b)|during",
    r"(?:as|so) (?:soon|long) as|in case(?: of)?|in the (?:event|case)|on (?:the )?condition",
    r"on the off chance|provid(?:ed|ing)|assuming|supposing|depend(?:s|ing)|otherwise|or else",
    rf"the (?:moment|minute|second|instant|day|night) (?:that )?(?:(?:{PRONOUN}|{DETERMINER}) \w+"
    rf"|{WORD}(?: {WORD})? (?:\w+s|is|has)\b)",
    r"(?:each|every|next|any) time|only (?:after|with)|either",
    r", should (?!(?:i|we)\b)[\w~]+|, (?:had|were) \w+",
    rf"while (?:{PRONOUN}|{DETERMINER} \w+|{WORD}) (?:am |are |is )?"
    r"(?:away|out|gone|on (?:holiday|vacation)|asleep|at|not|sleep)",
    rf"(?:after|before) (?:{PRONOUN}|{ACTING}"
    rf"|(?:{DETERMINER} (?:{WORD} )?)?{WORD} (?:\w+s|\w+ed|is|are|has|have)\b)",
    r"wait (?:for|until)|watch out|keep an eye|make it a rule|add a rule|automation",
    rf", (?:{VERBS}) {_SOME} should (?!be\b){WORD} (?!be\b)\w+|any(?:one|body) who|whoever",
    r"with (?:nobody|no one|everyone|everybody)|from now on",
    rf"(?:on|at|upon) (?:{DETERMINER}|~|\w+'s) (?:signal|command|return|arrival|word)",
)
_UNIT = r"(?:sec(?:ond)?s?|min(?:ute)?s?|hours?|days?|weeks?|months?|years?|moments?|whiles?|bit)"
_PART = r"(?:(?:morning|afternoon|evening|night|noon|midnight|weekend|week|month|year|day)s?)"
_MEAL = (
    r"(?:breakfast|lunch(?:time)?|dinner|supper|tea|bed(?:time)?|sun(?:set|rise|down)|dawn|dusk"
    r"|dark|work|school)"
)
_SOME_TIME = (
    rf"(?:(?:an?|the|about|another|just|half|few|couple|of|little|short|several|some|next|\d[\d.]*"
    rf"|{_HOUR}|\w+t(?:een|y)) ){{1,4}}{_UNIT}"
)
TIME = phrases(
    rf"until {_DATE}",
    r"(?:tomorrow|tonight)(?:'s)?|later|nightly|daily|weekly|monthly|hourly|eventually|soon|early",
    rf"in (?:{_SOME_TIME}|{_HOUR}(?= ,))|give (?:it|me|us) {_SOME_TIME}",
    rf"(?:this|next|last|each|every|over the|in the|during the|at the) (?:\w+ )?{_PART}",
    rf"(?:on|next|this|each|every|for|by) (?:\w+ )?{_DAY}|for the rest of the {_PART}",
    rf"on (?:the (?:first|second|third|\w+th|\w+ of (?:the month|{_MONTH}))|{_MONTH} \w+"
    r"|my anniversary|[\w']+ (?:[\w']+ )?(?:eve|day))",
    rf"(?:every|each) (?:(?:other|second|single|few|half|first|now|{_HOUR}) )*"
    rf"(?:{_UNIT}|{_PART}|{_DAY})",
    r"(?:at|around|before|after|by(?= \w+(?: at the| o| sharp| pm| am| ,))|about(?! (?:one|\d)))"
    rf" (?:exactly |about |around |the |a )?{_HOUR}"
    r"(?! ?(?:%|percent|degrees|per ?cent|out of|more|times|millimet|centimet))",
    rf"(?:at|around|by|before|after) (?:the )?(?:\w+ )?{_MEAL}",
    r"(?:after|before|by|at) the (?:end|news|top|crack|start|beginning|film|show|game)",
    rf"(?:after|before) (?:{DETERMINER}) (?:\w+ )?\w+(?= ,)",
    r"first thing|one of these days|some ?(?:time|day)|at some point|another (?:time|day)",
    r"every now and then|now and again|once in a while|(?:once|twice|times) (?:a|per|every) \w+",
    r"at night|not (?:now|yet)|no (?:hurry|earlier|sooner)|from now|for later",
    r"postpone|put off|delay|schedule|plan on|hold off|get ready|arrange for|count to|wait",
)
_ONE = r"(?:he|she|they|one|someone|somebody)"
HYPOTHETICAL = phrases(
    r"imagin(?:e|ing)|suppos(?:e|ing)|pretend|hypothetical\w*|theoretically|in theory|in principle",
    r"picture this|say (?:we|i)|let us say|what (?:if|would|happens|then)|what do you think",
    rf"(?:could|can|might|may) (?:not )?(?:{_ONE}|it|any\w+|some\w+|an?|{ACTING}|guests|children)",
    rf"(?:should|shall|ought|would) (?:not )?(?:i|we|it|any(?:one|body)|a|the|my|{_ONE}|{ACTING})"
    r"(?! (?:please|get you|ask you|trouble you))",
    rf"(?:i|we|{_ONE}) (?:could|might|may|would|should)"
    r"(?! (?:like|love|appreciate|be (?:glad|happy|grateful|thankful|so)|ask you to|not see)\b)",
    r"(?:do|does|would|did) (?:you )?(?:think|recommend|advise|rather|say|make sense)",
    r"is it (?:better|worth|a good idea|wise|smart|me|too (?:early|late))|is now a good",
    rf"do (?:i|we) (?:really )?(?:need|have) to|am i (?:supposed|allowed)|worth {ACTING}",
    r"any (?:point|reason)|thinking (?:of|about|out|aloud)|would (?:i|we|you) if|how would",
    r"(?:wonder(?:ing)?|sure|decide|know|mind|asking myself|advise|opinion on)(?: about)? "
    r"(?:if|whether)(?! you (?:can|could|would|will))",
    r"opinion|your thoughts|up my mind|toying with|tempted|considering|see myself|wish(?! to\b)",
    r"dream|perfect world|may come a day|if only|or not (?:to|,)|which would you|what is better",
    r"(?:he|she|they|it|i|you) were|that is life|in my place",
)
_SAY = (
    r"(?:says?|said|tells?|told|shout(?:s|ed|ing)?|yell(?:s|ed|ing)?|whisper(?:s|ed)|wr(?:ote|ites)"
    r"|texted|goes|was like|hint(?:s|ed)|mention(?:s|ed)|claim(?:s|ed)|suggest(?:s|ed)"
    r"|recommend(?:s|ed)|insist(?:s|ed)|announced|replied|answered|screamed|reads)"
)
_WANT = (
    r"(?:wants?|wanted|asks?|asked|orders|ordered|promised|swore|begged|warned|reminded|demands"
    r"|demanded|dared|offered|expects|hopes|believes|thinks|figures|voted|agreed|refused|advised"
    r"|is planning|would like|would prefer|likes)"
)
_NOBODY = r"i|you|we|and|or|to|please|that|which|who|can|could|would|not|be|being|it|one"
_NOTICE = r"message|text|sms|alert|notification|email|mail|pop-?up"
REPORTED = phrases(
    rf"(?!(?:{_NOBODY}|{_NOTICE}) )[\w~]+ (?:(?:always|also|once|just|keeps?|used to|kept|is|was"
    rf"|were) )*{_SAY}(?: never| not| that| ,| we| that we| it is)* (?:,$|to|on|please|time|should"
    rf"|{VERBS}|{ACTING}|(?:we|i|you|somebody|people) (?:should|must|could|might|have to|{VERBS})"
    r"|me|us|you|him|her|them|about|okay)",
    rf"(?!(?:{_NOBODY}|really|just|do|also|still|too|now) )[\w~]+ (?:(?:always|also|was|were) )*"
    rf"{_WANT} (?:to|me|us|you|for|that|whether|if|{ACTING}|we|i|against|on|it (?:is|would)"
    r"|somebody|someone|[\w~ ]{1,20} (?:to|if|whether))",
    r"(?:i|we)(?: was| were| have| had)?(?: been)? (?:told|asked|advised|heard|overheard|read) "
    rf"(?:to|that (?:i|we|you)|by|{WORD} (?:to|if|say(?:ing)?))",
    r"according to|as [\w~]+ put it|rumou?r|word is|apparently|supposedly|(?:un)?quote",
    r"exact words|those were|in [\w~]+ opinion|(?:was )?[\w~]+'s idea|if you ask|was told to",
    rf"(?:they|people|every(?:one|body)) (?:says?|said|told|tells|want|keep)|tells me {ACTING}",
    r"keeps? (?:telling|shouting|saying)|(?:is|are|was|were|been) asking|begging me",
    r"the way [\w~]+ tells|did (?:you|i) (?:hear|get that)",
    r"(?:told|tells|asked) [\w~]+ to|in the (?:film|book|song|movie)",
    r"[\w~]+'s (?:message|email|note|text) (?:says|said|reads|was)",
    rf", [\w~ ]*~ (?:, )?{_SAY}(?= \w)",
    r"is what [\w~]+ (?:said|told|wants|asked)|that is what|or so [\w~]+|complain that",
)
_LEFT = r"(?:it|that|this|everything|(?:the|my) (?:(?:whole|last|previous|entire) )*\w+)"
CANCELLATION = phrases(
    r"never ?mind(?! ~)|(?:put|change|set|take|took|roll) (?:it|that|everything) back",
    r"(?:cancel|undo|revert|reverse|disregard|ignore|scrap|abort|withdraw|scratch|strike|recall)"
    rf"(?: {_LEFT}| what| {ACTING}| me| \w+ request)|, (?:please )?(?:cancel|undo|abort|revert) ,",
    r"(?:forget|call off|take back)(?: about)? (?:it|that|this|i|what|everything|the (?:whole"
    rf"|thing|idea|request)|{ACTING}|{DETERMINER} \w+)",
    rf"drop (?:it|that|the (?:whole )?idea|{ACTING})|abort mission|leave {_SOME} after all",
    r"call (?:it|that|the whole thing) off|let it go|(?<!or )leave it(?= ,| at that)",
    r"[\w~] , (?:please )?stop(?: (?:that|right there|what you are doing|now))? ,|stop that(?= ,)",
    r"changed my mind|thought better|reconsidered|on second thoughts?|on reflection",
    r"(?:no longer|not) (?:want|need|necessary|needed|required)(?: (?:it|that|this))?"
    r"(?: any ?more| now)? ,|(?:i|we) (?:do not|no longer) (?:want|need) (?:it|that|this)",
    r"(?:not |no need )(?:\w+ )?any ?more|(?:do|did) not (?:do|mean|bother)",
    r"(?:was|were|am|is) (?:only |just |all )?(?:joking|kidding|testing|a (?:joke|test|mistake))",
    r", (?:just kidding|only testing|false alarm|wrong button|(?:oh )?nothing|it is nothing"
    r"|nope|no(?: thanks?(?: you)?)?) ,$",
    r"not talking to you|not meant for you|not for you|not what i|misunderstood|misheard",
    r"got (?:that|me) wrong|that is (?:wrong|cancelled)|not matter|do not worry about it",
    r"take that off the list|(?:remove|delete) .* (?:list|instruction|request|order|command)",
)
_NO_VERB = r"light|sound|power|heat|note|mark|list|place|use|load|answer|change|play|have|more"
CORRECTION = phrases(
    r"(?:no|nope|nah)(?: ,)? (?:wait|hold on|sorry|no|not|rather|better|leave|make|do not|the|that"
    r"|what i)|(?:oh|or|but|hmm|uh|um|erm|wait|actually|sorry)(?: ,)? (?:no|nah)",
    r"[\w~%]+ , (?:no|nope|nah|wrong|pardon|excuse me|silly me|oops|oh no|correction|wait|sorry)"
    r"(?: ,| (?!to bother)[\w~]+)(?<!hello , sorry)(?<!hi , sorry)",
    rf"[\w~]+ no (?!(?:{_NO_VERB})\b)(?:{VERBS})",
    r"i (?:actually |really )?(?:mean|meant|misspoke)|what i meant|meaning to say|my mistake",
    r"(?:scratch|strike) (?:that|this|it)|correction|[\w~]+ , make that|or rather|oops",
    r"[\w~]+ ,? ?(?:well ,? ?)?actually(?: ,)? [\w~]+|not that|not like that|or let us not",
    rf"(?!(?:hey|hi|hello|oh|so|am|say) )[\w~]+ sorry (?:the|not|no|{VERBS})",
    r"(?:hmm|uh|um|er|oh) (?:, )?make (?:it|that)",
    r"(?<!can )wait (?:,|no|a (?:second|minute|moment)|that)",
    rf"(?:hang|hold) on (?:, )?(?:no|that|the|i|{WORD} has)",
    r"came out wrong|what (?:am i saying|did i say)|did i say|let me (?:rephrase|start over)",
    r"that is to say|again from the top|should have been|the opposite|wrong one",
    r"i wanted to say|i prefer to",
    r"i was (?:wrong|thinking of something else|talking about)|better not|, that is ,",
    r"[\w~]+ ,? ?(?:er|erm|uh|um|hmm)(?: ,)? (?:no|not|on|off|better|rather)",
    r", (?:no , )?not [\w~ ]+ ,? ?(?:but|though)",
)
READING = phrases(
    r"(?:get(?:ting)?|got) the|(?:check|report|read|look|find|see|say|fetch|ask)(?:ing|ed)? "
    r"(?:up |out |back )?(?:the|my|if|whether|how|what|any|on|all|today's|who)",
    r"(?:found|said|saw) (?:out )?(?:the|if|whether|how|what|any|on|today's)",
)
"""Where words are to be fetched: a bare question says nothing of the kind."""
WAY = re.compile(
    r", (?:[\w~]+ ){0,3}?(?:what|which|how (?:to|do)|where|(?:is|are) there|.*(?:tell|show) me"
    r"|.*(?:know|learn) (?:how|where|the))\b(?!.*\b(?:find|found|search\w*|look\w*|map|navigat\w+"
    r"|getting|got|show\w+|pull\w*|bring\w*)\b)"
)
"""A question for a way or a film, which showing one answers."""
NOT_ASIDE = re.compile(
    r"\b(?:not|never|no|nobody|no one|neither)\b.*(?:\byou\b"
    r"|\b(?:want|need|mean) (?:it|that|this)\b"
    rf"|\bnot to (?:{VERBS})\b|(?:want|need|wish|prefer|mean) to (?!get|do|go|be|make|hang|have)"
    rf"(?:{VERBS})\b|necessary|allowed|needed|supposed|required)"
)
"""A statement that does not just go with a request, but takes it back."""
