"""Migrations of the tables, run by Alembic through `cluster.storage.schema`."""
