"""Fills fields that the maker of a record left out."""
