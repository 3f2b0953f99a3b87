"""Reads flow records made elsewhere, from files, folders, standard input and S3."""
