"""Packets become flow records: sources, kernels, the flow table, verdicts and the meter."""
