"""Alembic's environment: the models' metadata over the application's own engine."""

from alembic import context
from flask import current_app

engine = current_app.extensions["migrate"].db.engine
metadata = current_app.extensions["migrate"].db.metadata


def render_type(kind, value, autogenerate):
    """Our own column types by their names, instead of what they are made of."""
    if kind != "type":
        return False
    from caesar_web.store import db

    for name in ("BigId", "Json"):
        if value is getattr(db, name):
            autogenerate.imports.add("from caesar_web.store.db import BigId, Json, UTCDateTime")
            return name
    return "UTCDateTime()" if isinstance(value, db.UTCDateTime) else False


def compare_type(context, inspected, declared, inspected_type, declared_type):
    """Types that a database has no word of its own for are the same as what it makes of them."""
    from caesar_web.store import db

    own = declared_type in (db.BigId, db.Json) or isinstance(declared_type, db.UTCDateTime)
    return False if own else None


with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_item=render_type,
        compare_type=compare_type,
        render_as_batch=engine.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()
