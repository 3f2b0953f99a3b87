"""Where the inventory comes from: the Linux host itself, or a file."""
