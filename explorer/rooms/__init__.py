"""Classes that wire charts and widgets to the visitor's Workspace, and compute nothing.

May import: ``explorer.charts``, ``explorer.state`` and ``explorer.model``; never ``explorer.app``.
"""
