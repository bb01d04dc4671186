"""Radial velocities: templates, cross-correlation, refinement, zero points and the size of their errors."""
