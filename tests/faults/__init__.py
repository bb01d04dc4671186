"""Fault injection into builds, products, servers and records, run by separate commands."""
