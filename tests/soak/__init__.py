"""A day and a night of watching in virtual time: does anything grow that should not?"""
