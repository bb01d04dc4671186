"""Radial velocities: templates, cross-correlation, refinement, zero points and errors."""
