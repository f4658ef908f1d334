"""papertrade: honest paper trading in a terminal.

This module stays empty of imports so that `papertrade --version` starts at once.
"""

__version__ = "0.1.0"
