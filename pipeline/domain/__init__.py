"""Values and vocabulary: columns, flags, spectra, wavelengths, frames.

May import: numpy, astropy and the standard library. Nothing of this project.
"""
