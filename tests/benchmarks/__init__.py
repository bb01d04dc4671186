"""Measurements of the running program: ``python -m tests.benchmarks NAME``."""
