"""A deterministic simulation of everything that runs: one seed makes a market, a user, watchers and faults.

The code under test is the real one, on a real SQLite file; time, chance and the venue are scripted.
"""
