"""The desktop client that exists: its protocol, translated into ours. Nothing else knows of it."""
