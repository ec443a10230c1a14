"""Adapters: how calls reach devices. They import `schemas` only and do not know each other."""
