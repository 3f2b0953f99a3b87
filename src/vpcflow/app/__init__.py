"""Settings, wiring and the command line: imports everything, imported by nothing."""
