"""Serves the console: the built front end, the manual, and the sign-in that guards the API."""
