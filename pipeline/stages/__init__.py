"""The ordered stages of a build, which connect sources, science and products.

May import: every other room of the pipeline.
"""
