"""AWS's APIs on one port, for unmodified clients."""
