"""Tables, migrations, events, snapshots."""
