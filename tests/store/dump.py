"""All that a database keeps, as one text: what must be nowhere in clear is not in there."""

from sqlalchemy import select

from caesar_web.store.db import Base, db


def everything_kept() -> str:
    """Every value of every row of every table."""
    rows = [
        repr(tuple(row))
        for table in Base.metadata.sorted_tables
        for row in db.session.execute(select(table))
    ]
    db.session.remove()
    return "\n".join(rows)
