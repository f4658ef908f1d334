"""Every command that writes, killed at every statement."""
