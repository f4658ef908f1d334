"""How results look: tables, numbers, curves, CSV and the JSON envelope."""
