"""Users, passwords, tokens, roles, and the record of who did what."""
