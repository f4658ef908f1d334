"""Random walks through the commands, with every invariant checked after each step."""
