"""Networks and records made for trying things out, clearly marked as made."""
