"""Flow logs: the resource, its rules, its status."""
