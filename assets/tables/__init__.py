"""Embedded tables; where each comes from is told in PROVENANCE.md."""
