"""What a setting is: its path, its kind, its default as text, a line of explanation; and who gives its value.

The settings themselves are in `schema.py`.
"""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from papertrade.config.values import Kind
from papertrade.engine.values import dataclass

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Setting(Generic[T_co]):
    """One setting; `sample` is a longer value that the example file shows as a comment."""

    path: str
    kind: Kind[T_co]
    default: str
    about: str
    sample: str = ""

    @property
    def variable(self) -> str:
        """The environment variable of this setting."""
        return f"PAPERTRADE_{self.path.upper().replace('.', '__')}"


class Reader(Protocol):
    """Gives the validated value of a setting."""

    def __call__(self, setting: Setting[T]) -> T:
        """Return the value, of the setting's type."""
        ...
