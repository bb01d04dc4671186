"""Faults that are put into builds, products, servers and records: commands of their own, not part of the tests."""
