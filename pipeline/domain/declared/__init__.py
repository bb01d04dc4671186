"""Declarations of the catalogue's columns by subject.

:mod:`pipeline.domain.columns` joins them in published order.
"""
