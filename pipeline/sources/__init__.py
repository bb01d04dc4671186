"""One file per foreign format: LAMOST FITS, survey tables, Gaia XP, embedded tables.

Each converts units, sentinels and names once, at this edge. May import: ``pipeline.domain``.
"""
