"""The explorer: a Panel app that shows published products and records verdicts.

It computes nothing that the pipeline should have published. May import: ``pipeline.products``, ``pipeline.science`` and
``pipeline.domain``; never ``pipeline.sources``, ``pipeline.stages`` or ``pipeline.config``. Rooms, top to bottom:
``app`` -> ``rooms`` -> ``charts`` -> ``state`` -> ``model``.
"""
