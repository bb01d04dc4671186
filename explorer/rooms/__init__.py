"""Panel views, one file each: they bind a figure or a widget to the visitor's Workspace, and compute nothing.

May import: ``explorer.plots``, ``explorer.state`` and ``explorer.model``; never ``explorer.app``.
"""
