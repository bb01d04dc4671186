"""Refits of one star for any mask, and the evidence for its labels."""
