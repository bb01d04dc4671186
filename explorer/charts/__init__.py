"""The table of views and the charts that show them: layers for the page, pictures for journals, figures of Validate.

``view_specs`` declares the views, ``chart`` says what a chart is. May import: ``explorer.state``,
``explorer.protocol``, ``explorer.model``, ``pipeline.products`` and ``pipeline.domain``; never ``explorer.rooms``.
"""
