"""The Sagittarius stream: its model and the probability of membership."""
