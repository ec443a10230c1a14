"""The ways in."""

HERE = ""
"""This machine's own, which others may reach if the settings say so; another is a phone's id."""
