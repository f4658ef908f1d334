"""Property tests must not fail because a machine is slow: they have no deadline an example."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("engine", deadline=None)
settings.load_profile("engine")
