"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)  # the same examples on every run and machine
settings.load_profile("repeatable")
