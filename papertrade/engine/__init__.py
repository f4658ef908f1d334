"""The pure heart: what a trade is, when it reacts, what that costs. No I/O, clock, randomness or float."""
