"""What runs here only where somebody asks for it; a machine without it lacks no test."""

import os

collect_ignore = [] if os.environ.get("OCTOPUS_HOME_ASSISTANT") else ["test_home_assistant.py"]
