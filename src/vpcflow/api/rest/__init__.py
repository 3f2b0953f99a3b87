"""The console's own API, below /api/v1: questions, resources and what keeps house, as JSON or Arrow."""
