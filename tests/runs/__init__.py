"""Tests of the runs: what drives the engine."""
