"""Android's own words for failure, and those that only look like it."""

import pytest

from device_adapters.adb.answer import LONGEST_COMPLAINT, READ, Answer
from schemas.errors import DeviceRefused

DENIED = (
    "java.lang.SecurityException: Permission Denial: starting Intent "
    "{ act=android.intent.action.CALL } requires android.permission.CALL_PHONE"
)
FAILURES = {
    "Error: Activity not started, unable to resolve Intent { act=x dat=smsto:/... }": None,
    "Error type 3\nError: Activity class {a.b/a.b.C} does not exist.": "Error type 3",
    "Starting: Intent { act=x }\nError: Activity not started, you do not have permission "
    "to access it.": "Error: Activity not started, you do not have permission to access it.",
    f"\nException occurred while executing 'start':\n{DENIED}\n\tat android.os.Parcel": DENIED,
    "\nException occurred while executing 'put':\n": "Exception occurred while executing 'put':",
    "Error while accessing provider:sms\nandroid.database.sqlite.SQLiteException: no such column: "
    "x (code 1)\n\tat android.database.DatabaseUtils": "Error while accessing provider:sms",
    "Security exception: Permission Denial: getting x from pid=1\n": None,
    "Permission Denial: can't dump telephony.registry from from pid=1, uid=2000": None,
    "usage: adb shell content [subcommand] [options]\n\n[ERROR] Unsupported argument: x": (
        "[ERROR] Unsupported argument: x"
    ),
    "usage: cmd notification SUBCMD [args]\n": None,
    "[E] invalid stream\n": None,
    "Unknown command: set_dndx\n": None,
    "cmd: Can't find service: bluetooth_manager\n": None,
    "Can't find service: telephony.registry\n": None,
    "cmd: Failure calling service settings: Failed transaction (2147483646)\n": None,
    "cmd: Failure calling service activity: Broken pipe (32)\r\n": None,
    "Failure [DELETE_FAILED_INTERNAL_ERROR]\n": None,
    "Invalid arguments: settings needs a namespace\n": None,
    "Bad component name: x\n": None,
    "ERROR: null root node returned by UiTestAutomationBridge.\n": None,
    "ERROR: could not get idle state.\n": None,
    "/system/bin/sh: content: inaccessible or not found\n": None,
    "/system/bin/sh: media: not found\n": None,
    "Killed \n": "Killed",
    "Segmentation fault \n": "Segmentation fault",
    "Aborted \n": "Aborted",
    "java.lang.IllegalStateException: Could not find provider: nothing\n": None,
    "android.os.DeadObjectException\n": None,
    'java.lang.NumberFormatException: For input string: "08" under radix 8': None,
}
FINE = (
    "",
    "No result found.\n",
    "Row: 0 _id=1, data1=+49 151\n",
    "Starting: Intent { act=a.b.VIEW }\nWarning: Activity not started, its current task has been "
    "brought to the front\nStatus: ok\nComplete\n",
    "Warning: Activity not started, intent has been delivered to currently running top-most "
    "instance.\n",
    "Result: Parcel(00000000    '....')\n",
    "WARNING: linker: Warning: unable to normalize \"\"\n",
    "  mErrors=0\n  lastError=none\n    state: ERROR_NONE\n  Error count: 3\n",
    "[V] will control stream=3 (STREAM_MUSIC)\n[V] volume is 5 in range [0..15]\n",
    "UI hierchary dumped to: /dev/tty\n",
    "null\n",
    "errorless: 1\nInvalidated: 2\nUsages: 3\n",
)  # fmt: skip


@pytest.mark.parametrize("said", FAILURES, ids=range(len(FAILURES)))
def test_failure_is_heard_whatever_the_exit_code(said: str) -> None:
    expected = FAILURES[said] or said.strip()
    for answer in (Answer(said, "", 0), Answer("", said, 0), Answer("ok\n", said, 1)):
        assert answer.complaint() == expected
        with pytest.raises(DeviceRefused, match="the phone said"):
            answer.accepted()


@pytest.mark.parametrize("said", FINE, ids=range(len(FINE)))
def test_what_only_looks_like_failure(said: str) -> None:
    assert Answer(said, "", 0).accepted() == said
    assert Answer("", said, 0).complaint() is None


@pytest.mark.parametrize("said", FAILURES, ids=range(len(FAILURES)))
def test_a_persons_words_are_no_complaint(said: str) -> None:
    """A contact may be called so; what stands on stderr is the phone's still."""
    assert Answer(said, "", 0).accepted(trusted=False) == said
    assert Answer("Row: 0 x=1", said, 0).complaint(trusted=False)


def test_an_exit_code_is_a_complaint() -> None:
    assert Answer("", "", 3).complaint() == "exit code 3"
    assert Answer("", "cat: x: No such file or directory\n", 1).complaint() == (
        "cat: x: No such file or directory"
    )
    assert Answer("somebody's words", "", 7).complaint(trusted=False) == "exit code 7"


def test_a_complaint_is_short() -> None:
    for answer in (Answer("", "Error: " + "x" * 9000, 0), Answer("", "y" * 9000, 1)):
        assert len(answer.complaint() or "") == LONGEST_COMPLAINT


def test_a_large_output_is_judged_by_its_ends() -> None:
    """All of 64 MB would hold the loop for a second."""
    rows = "Row: 0 _id=1\n" * READ
    assert Answer(rows, "", 0).complaint() is None
    assert Answer(f"Error: x\n{rows}", "", 0).complaint() == "Error: x"
    assert Answer(f"{rows}Error: x\n", "", 0).complaint() == "Error: x"
    assert Answer(f"{rows}Error: x\n{rows}", "", 0).complaint() is None
