"""Drawing of the paper's figures, declared once for the reproduction report and for exports.

May import: ``products``, ``science``, ``domain``. Figures draw stars that they are given; they open no file.
"""
