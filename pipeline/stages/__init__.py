"""The ordered stages of a build: the only glue between sources, science and products.

May import: every other room of the pipeline.
"""
