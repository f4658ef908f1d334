"""The outside world, translated into engine values at one door: venues, tapes, files people bring."""
