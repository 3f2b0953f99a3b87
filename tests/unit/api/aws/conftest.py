"""Makes what stands in this folder importable for the tests of each service below it."""
