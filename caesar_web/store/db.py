"""The database: the session, column types that mean the same everywhere, and how we connect."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import orjson
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    BigInteger,
    Dialect,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    event,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, TypeDecorator, TypeEngine

from caesar_web.config import InvalidSetting

SQLITE_BUSY_SECONDS = 30
OLDEST_SQLITE = (3, 38, 0)  # its -> operator is how bulk statements read JSON

_NAMES = {
    "ix": "%(table_name)s_%(column_0_N_name)s_index",
    "uq": "%(table_name)s_%(column_0_N_name)s_unique",
    "fk": "%(table_name)s_%(column_0_N_name)s_fk",
    "pk": "%(table_name)s_pk",
}

BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows only for INTEGER
# For tables whose ids are remembered elsewhere: SQLite would give those of removed rows again.
NEVER_REUSED = {"sqlite_autoincrement": True}
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class Base(DeclarativeBase):
    """Every table's base."""

    metadata = MetaData(naming_convention=_NAMES)


class UTCDateTime(TypeDecorator[datetime]):
    """A moment in UTC; on SQLite a text of fixed width, so that texts sort as moments do."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(String(32))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return fixed_width(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """On PostgreSQL the driver gives what we want: the connection's time zone is UTC."""
        if dialect.name == "postgresql":
            return None
        return lambda value: None if value is None else datetime.fromisoformat(value)


class Timestamps:
    """When a row was made and last changed."""

    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)


class _Values(TypeDecorator[list[Any]]):
    """A list as one parameter, of any length."""

    impl = String
    cache_ok = True

    def __init__(self, member: type[TypeEngine[Any]]) -> None:
        super().__init__()
        self.member = member

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(self.member))
        return dialect.type_descriptor(String())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return value if dialect.name == "postgresql" else dump_json(value)


class _Among(FunctionElement[bool]):
    inherit_cache = True
    type = Boolean()


@compiles(_Among, "postgresql")
def _among_on_postgresql(element: _Among, compiler: Any, **options: Any) -> str:
    column, values = element.clauses
    return f"{compiler.process(column, **options)} = ANY ({compiler.process(values, **options)})"


@compiles(_Among, "sqlite")
def _among_on_sqlite(element: _Among, compiler: Any, **options: Any) -> str:
    column, values = element.clauses
    listed = f"SELECT value FROM json_each({compiler.process(values, **options)})"
    return f"{compiler.process(column, **options)} IN ({listed})"


def among(column: Any, values: Iterable[Any], *, member: type[TypeEngine[Any]] = BigInteger) -> Any:
    """Whether `column` is one of `values`, as a single parameter whatever their number."""
    return _Among(column, bindparam(None, list(values), type_=_Values(member)))


class _AmongRows(FunctionElement[bool]):
    inherit_cache = True
    type = Boolean()


@compiles(_AmongRows, "postgresql")
def _among_rows_on_postgresql(element: _AmongRows, compiler: Any, **options: Any) -> str:
    *columns, rows = element.clauses
    named = ", ".join(compiler.process(column, **options) for column in columns)
    types = (column.type.compile(dialect=compiler.dialect) for column in columns)
    given = ", ".join(f"CAST(given ->> {at} AS {each})" for at, each in enumerate(types))
    document = f"json_array_elements(CAST({compiler.process(rows, **options)} AS json))"
    return f"({named}) IN (SELECT {given} FROM {document} AS given)"


@compiles(_AmongRows, "sqlite")
def _among_rows_on_sqlite(element: _AmongRows, compiler: Any, **options: Any) -> str:
    *columns, rows = element.clauses
    named = ", ".join(compiler.process(column, **options) for column in columns)
    given = ", ".join(f"value ->> {at}" for at in range(len(columns)))
    return f"({named}) IN (SELECT {given} FROM json_each({compiler.process(rows, **options)}))"


def among_rows(columns: Sequence[Any], rows: Iterable[Sequence[int | str]]) -> Any:
    """Whether the columns together are one of `rows`, each of which PostgreSQL looks for by itself.

    Asked for column by column, it would look for each value of one with each of the others; or go
    through all that one of them selects, where it has no statistics yet, as of a table that grows.
    """
    return _AmongRows(*columns, bindparam(None, dump_json(list(rows)), type_=String))


db = SQLAlchemy(model_class=Base)


def table_of(model: type[Base]) -> Table:
    """The table that a model stands for."""
    return cast(Table, model.__table__)


def fixed_width(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return fixed_width(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def dump_json(value: Any, *, fixed_width_times: bool = True) -> str:
    """JSON text; the standard library's where orjson refuses (whole numbers beyond 64 bits)."""
    times = orjson.OPT_PASSTHROUGH_DATETIME if fixed_width_times else 0
    try:
        return orjson.dumps(value, _plain, times).decode()
    except orjson.JSONEncodeError:
        return json.dumps(value, default=_plain, allow_nan=False)


def load_json(text: str | bytes) -> Any:
    """The value of JSON text that a database kept."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def engine_options(database_url: str, *, pool_size: int) -> dict[str, Any]:
    """How to connect: JSON our way, and on SQLite a wait instead of an error while it is busy."""
    options: dict[str, Any] = {
        "json_serializer": dump_json,
        "json_deserializer": load_json,
        "hide_parameters": True,  # they hold volunteers' answers, which no log should
    }
    if database_url.startswith("sqlite"):
        return options | {"connect_args": {"timeout": SQLITE_BUSY_SECONDS}}
    # Pages are in memory or on disks without heads: reading here and there costs little more.
    ours = {"options": "-c timezone=utc -c random_page_cost=1.1"}
    pool = {"pool_size": pool_size, "max_overflow": 2, "pool_pre_ping": True}
    return options | {"connect_args": ours} | pool


def prepare_engine(engine: Engine) -> None:
    """Makes SQLite transactions begin as writers, durable, with a write-ahead log."""
    if engine.dialect.name != "sqlite":
        return
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise InvalidSetting(
            f"DATABASE_URL: SQLite {sqlite3.sqlite_version} is too old; 3.38 or later is needed"
        )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we begin transactions ourselves, below
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        # A transaction that reads first and then writes could not wait for another writer.
        reads_only = connection.get_execution_options().get("reads_only", False)
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
