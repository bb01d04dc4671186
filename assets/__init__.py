"""Style, help texts, logo and the small embedded tables with their provenance; no code."""
