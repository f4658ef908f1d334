"""Hostile input for every reader: nothing but its declared error may come out, and never slowly."""
