"""Table of views, and the charts that draw them: page layers, journal pictures, comparison plots.

``view_specs`` declares the views, ``chart`` says what a chart is. May import: ``explorer.state``,
``explorer.protocol``, ``explorer.model``, ``pipeline.products`` and ``pipeline.domain``; never ``explorer.rooms``.
"""
