"""The commands: each parses, makes one call and renders. No arithmetic and no SQL lives here."""
