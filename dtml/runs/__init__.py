"""Runs: the store (SQL), their folders (files), the worker, and who starts it."""
