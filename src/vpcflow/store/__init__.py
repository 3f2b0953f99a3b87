"""Where records rest: the Iceberg table, its layout, commits, compaction and retention."""
