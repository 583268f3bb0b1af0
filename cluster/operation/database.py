"""The database of the site, for `up` (bring its tables up to date) and `doctor` (does it answer)."""

from cluster.safety.redaction import redact
from cluster.settings.load import load_site


def migrate(site_file: str) -> None:
    """Bring the tables up to date.

    Raises:
        ConfigError: the site's file is wrong.
        DatabaseUnavailable: it does not answer.
    """
    from cluster.storage import schema  # sqlalchemy and alembic take most of a second

    schema.migrate(load_site(site_file))


def describe(site_file: str) -> str:
    """A line about the database, which answered.

    Raises:
        ConfigError: the site's file is wrong.
        DatabaseUnavailable: it does not answer.
    """
    from cluster.storage import schema

    site = load_site(site_file)
    revision = schema.schema_revision(site)
    where = redact(site.database.url) or f"SQLite in {site.data_dir}"
    return f"{where}, tables {f'at {revision}' if revision else 'not made yet, `safe-yolo up` makes them'}"
