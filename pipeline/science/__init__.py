"""Arrays in, arrays out: the astronomy and the numerics. Never opens a file.

May import: ``pipeline.domain``.
"""
