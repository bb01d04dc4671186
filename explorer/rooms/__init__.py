"""Panel parts of the page, one file each: they connect charts and widgets to the visitor's Workspace.

May import: ``explorer.charts``, ``explorer.state`` and ``explorer.model``; never ``explorer.app``.
"""
