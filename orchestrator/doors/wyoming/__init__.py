"""The Wyoming door: voice assistants hand over what they heard, and speak what came of it."""
