"""The rooms Vet, Adjudicate and Progress, and sign-in. May import what ``explorer.rooms`` may."""
