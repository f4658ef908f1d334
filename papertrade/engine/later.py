"""The mark of a field that older journals do not have, for `field(default=…, metadata=LATER)`.

The codec leaves such a field out where it has its default, so that what was written before it existed and what
is written now have the same text. The rule to keep: a marked field's default means that nothing is said.
"""

from __future__ import annotations

from typing import Final

LATER: Final = {"later": True}
