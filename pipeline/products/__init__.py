"""The published contract between the pipeline and the explorer.

May import: ``pipeline.domain``.
"""
