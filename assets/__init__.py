"""Files that ship with the program: style sheets, help texts, small embedded tables with their provenance."""
