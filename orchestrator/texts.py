"""What the hub says to a person, in English; another language is another such file."""

from schemas.outcome import Cancelled, Evidence, Failed, Skipped, Unknown


def spoken(name: str) -> str:
    """A function's or a parameter's name as a person reads it."""
    return name.replace("_", " ")


INTENT = "{function} on {device}"
RESULT_OF = "the result of step {step}"
DONE = "{function} on {device}: done"
COUNTED = "{function}: done {count} times ({devices})"
EVIDENCE = {
    Evidence.VERIFIED: "",
    Evidence.UNVERIFIED: " (sent, not confirmed by the device)",
    Evidence.DRAFTED: " (prepared; finish it on the device)",
}
ENDED: dict[type, str] = {
    Unknown: "{function} on {device}: it is not known whether it happened ({reason})",
    Failed: "{function} on {device}: failed, {reason}",
    Skipped: "{function}: {state}, {reason}",
    Cancelled: "{function}: {state}, {reason}",
}
OPEN = "{function}: {state}"

SCHEDULED = "scheduled {when}: {what}"
UNSCHEDULED = "cancelled what was scheduled {when}: {what}"
NOTHING_SCHEDULED = "nothing is scheduled"
NO_SUCH_SCHEDULE = "nothing that is scheduled fits {words!r}; there is: {all}"
WHICH_SCHEDULE = "which one: {all}?"

NOTHING_TO_CANCEL = "there is nothing under way that could be called off"
CALLED_OFF = "called off: {what}"
NOTHING_TO_UNDO = "there is nothing to undo"
UNDONE_ALREADY = "that was undone already"
CANNOT_UNDO = "{what} cannot be undone: it is not known how it was before"
NOTHING_DONE = "the last command"

SEVERAL_WAIT = "several commands wait for a yes: confirm one of them by its id"
DRY_RUN = "dry run: would {decision}"
CONFIRM = "{reason}: {what}"
NOBODY_ANSWERED = "nobody answered in time"
NOBODY_CONFIRMED = "nobody confirmed in time"
SAID_NO = "the answer was no"
EXPIRED = "the command expired before it could run"
CANNOT_ASK = "the hub stops and can ask nobody"
HALF_AN_ORDER = "the hub stopped in the middle of it: look what became of it, and say it again"
NOT_CLEAR_WHAT_FOR = "it is not clear what {what} is for: say it again, one thing at a time"
NO_FUNCTION = "no function fits"
NOT_SURE = "not sure enough what is meant ({confidence:.0%})"
NO_CALL = "the model wrote no call: {why}"
WHICH_IS_LATER = "the time may be meant for one call or for all: say the later one alone"
DOWN = "the hub was down while it expired"
NOT_ANSWERED = "the hub restarted before anybody answered"
NOT_CONFIRMED = "the hub restarted before anybody confirmed"
NOT_ASKED = "the hub restarted before it could ask for a confirmation"
NO_SCHEDULE = "its schedule is not known any more"
NO_SUCH_FUNCTION = "this hub has no function {function} any more"
NOT_YET = "that is still under way"
STILL_RUNNING = "{what!r} is still under way: say stop to call it off"
NOT_TAKEN_BACK = "{what} cannot be taken back"

TOO_OFTEN = "{user} may send {most} commands a minute: send it again in {seconds:.1f} s"
JOURNAL_SILENT = "the journal does not answer: it was not taken, send it again"
ENDED_BEFORE = "the command ended"
CANCELLED = "cancelled by a person"
NOT_WRITTEN = "the journal could not be written: {why}"
BROKE = "the hub broke; its log says why"
BROKE_ANSWERING = "the hub broke while answering; its log says why"
STOPPED_UNDER_WAY = "the hub stopped while this was under way"
BACKED_UP_UNDER_WAY = "this was under way when the backup was made that the hub was restored from"
BACKED_UP_BEFORE = "this was due after the backup was made that the hub was restored from"
IT_IS_SCHEDULED = "it is scheduled"
MISSED = "missed: {what!r} was due on {when}{more}; the hub was off then, or its clock was wrong"
EXACTLY = " and {count} times after that"
AT_LEAST = " and at least {count} times after that"
NEEDED = "step {step} did not succeed"
NO_ANSWER = "no answer within {seconds:g} s"
ADAPTER_BROKE = "the adapter broke: {why}"
NO_OUTCOME = "the adapter gave no outcome"
NO_SUCH_NUMBER = "step {step} gave {result!r}, which is no {name}"
TOO_MUCH = "its result had {length} characters and was not kept"
TOO_LATE = "its turn did not come within {seconds:g} s"
HELD = "the device is away; tried again until {until}"
TRIED = "{why} (tried {count} times)"
TOO_MANY_STEPS = "the plan has {count} steps; at most {most} are run"
NO_EARLIER_STEP = "step {step} needs the result of step {needed}, which does not come before it"
WRONG_RESULT = "what step {needed} gives cannot be the {name} of step {step}"
NO_RESULT = "step {step} gave no result for {name}"
TOO_LONG = "step {step} gave {length} characters; {most} fit"
REMOVED = "the device {device} was removed"
NO_CONTACTS = "the contacts on {device} cannot be read"
OUT_OF_RANGE = "from {least:g} to {most:g}{unit}"
WHOLE_NUMBER = "a whole number is needed"
ALARM_REPEATS = "an alarm that repeats cannot be set from here"
ALARM_TOO_LATE = "an alarm rings within a day"
EVENT_REPEATS = "an event that repeats cannot be made from here"
SCHEDULE = "{when}: {what}"
UNDER_WAY = "it was under way: {why}"

CONSOLE = "Octopus Hub"
CONSOLE_OPEN = "Tap to open the hub's page"
CONSOLE_ASK = "A question waits for you: tap to see it"
CONSOLE_CONFIRM = "Something waits for your yes: tap to see it"
CONSOLE_ANSWERED = "Answered"
CONSOLE_EXPIRED = "Nobody answered in time"
CONSOLE_STOPPED = "The hub stopped, and asks no more"
