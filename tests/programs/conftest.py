"""What runs here only where somebody asks for it; a machine without it lacks no test."""

import os

_ASKED_FOR = {
    "test_home_assistant.py": "OCTOPUS_HOME_ASSISTANT",
    "test_hub_in_home_assistant.py": "OCTOPUS_HOME_ASSISTANT_MQTT",
}
collect_ignore = [file for file, variable in _ASKED_FOR.items() if not os.environ.get(variable)]
