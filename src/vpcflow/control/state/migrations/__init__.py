"""Migrations of the control plane's database, oldest first."""
