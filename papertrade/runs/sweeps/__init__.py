"""Sweeps: every combination of exits over the same signals, ranked in arrays, the best run exactly."""
