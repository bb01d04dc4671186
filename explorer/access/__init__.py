"""Who may open pages: visitors and their sessions, cookies, headers, and the path below which a proxy shows them."""
