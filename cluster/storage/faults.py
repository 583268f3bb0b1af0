"""What the database's own errors become before they leave this package."""

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from cluster.safety.errors import DatabaseUnavailable

_LONGEST_REASON = 300
_MEND = "see that the database runs and that database.url (DATABASE_URL) is right"
_MISSING_TABLE = ("no such table", "no such column", "UndefinedTable", "UndefinedColumn")


def unavailable(error: Exception) -> DatabaseUnavailable:
    """`error` in one line; what SQL and parameters it came from is left out.

    Raises:
        Exception: `error` itself, where the caller's value and not the database was at fault.
    """
    if isinstance(error, StatementError) and not isinstance(error, DBAPIError):
        raise error.orig or error
    if isinstance(error, PoolTimeout):
        return DatabaseUnavailable("every connection to the database is busy", "see what holds the database up")
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    reason = " ".join(str(cause).split())[:_LONGEST_REASON] or type(cause).__name__
    text = f"{type(cause).__name__} {reason}"
    mend = "migrate the database" if any(sign in text for sign in _MISSING_TABLE) else _MEND
    return DatabaseUnavailable(f"database: {reason}", mend)


FAULTS = (SQLAlchemyError, OSError)
"""What `unavailable` takes."""
