"""SLAM: one support-vector regression a pixel, its likelihood, its prior and its optimiser."""
