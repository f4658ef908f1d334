"""What drives the engine: ticks, catch-up, commands. Fetch first, then decide inside one transaction."""
