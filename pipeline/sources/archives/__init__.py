"""Public archives: their profiles, clients, and plans of fetches that survive interruptions."""
