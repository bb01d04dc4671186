"""Spectra: rebinning, continuum, band indices, what the sky left, and the selection of M giants."""
