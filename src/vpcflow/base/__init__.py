"""What every package stands on: errors, clock, data folder. Knows no domain."""
