"""The ways to a person, one a module. Each is one `cluster.notifications.message.Channel`."""
