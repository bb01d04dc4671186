"""The embedded survey: a simulated sky with known truth.

May import sources, science, products and domain.

Nothing in here is an observation. Every product that comes of it says so.
"""

from pipeline.mock.survey import MockSurvey, simulate

__all__ = ["MockSurvey", "simulate"]
