"""The rooms Vet, Adjudicate and Progress, and how people sign in. May import what ``explorer.rooms`` may."""
