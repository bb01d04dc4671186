"""One star asked again: its label fit for any mask, and the evidence behind it."""
