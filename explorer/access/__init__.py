"""Access to pages: visitors and their sessions, cookies, headers, and the path prefix of a proxy."""
