"""Reproduction of the paper: statements and figures, declared once and measured on any product.

:mod:`.statement` says what a statement is and how its verdict is reached, the tables of statements are in
:mod:`.samples`, :mod:`.velocities`, :mod:`.labels`, :mod:`.distances` and :mod:`.settings`, those of the figures in
:mod:`.figures`; :mod:`.report` measures, draws and writes them.
"""
