"""What the books say: frozen results computed from trades, ledger and prices. The only float statistics."""
