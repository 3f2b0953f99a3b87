"""Flow logs as resources, and what they hang on: networks, permissions, log groups."""
