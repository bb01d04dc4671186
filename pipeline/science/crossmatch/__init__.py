"""Cross-match of star observations with another table: by obsid, by Gaia identifier, on the sky."""

from pipeline.science.crossmatch.ids import match_by_id
from pipeline.science.crossmatch.matching import METHODS, Match, match
from pipeline.science.crossmatch.sides import MAX_CANDIDATES, Pairs, Side
from pipeline.science.crossmatch.sky import match_on_sky

__all__ = ["MAX_CANDIDATES", "METHODS", "Match", "Pairs", "Side", "match", "match_by_id", "match_on_sky"]
