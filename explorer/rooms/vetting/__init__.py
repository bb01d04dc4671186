"""The rooms Vet, Adjudicate and Campaigns, and sign-in. May import what ``explorer.rooms`` may."""
