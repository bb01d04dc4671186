"""Quality: what the bits are raised on, how odd a star is, physics checks, scores against truth."""
