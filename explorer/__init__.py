"""Show, ask and record: the Panel app over published products.

It computes nothing that the pipeline should have published. May import: ``pipeline.products``, ``pipeline.science`` and
``pipeline.domain``; never ``pipeline.sources``, ``pipeline.stages`` or ``pipeline.config``. Rooms, top to bottom:
``app`` -> ``rooms`` -> ``charts`` -> ``state`` -> ``model``.
"""
