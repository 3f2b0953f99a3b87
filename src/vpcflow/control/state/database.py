"""The control plane's database: SQLite in the data folder, or PostgreSQL by URL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from vpcflow.base.errors import SettingsError, StoreError

DATABASE_FILE = "control.sqlite"
#: The newest migration; a database at this one is opened without loading Alembic.
HEAD = "0003"
#: How long a writer waits for another process.
BUSY_WAIT_S = 30
#: The key of PostgreSQL's lock that makes writers wait for one another.
_WRITER_LOCK = 0x7670_6366


class Database:
    """Connections, and writers one after the other.

    Shape: ``url`` is SQLAlchemy's; SQLite keeps its file durable (WAL, full sync).
    Errors: SettingsError for a URL that cannot be read, StoreError when the database says no.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise SettingsError("not a database URL", where="control.database_url") from error
        if parsed.drivername in ("postgres", "postgresql"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if not self.is_sqlite and parsed.drivername != "postgresql+psycopg":
            raise SettingsError(
                f"{parsed.drivername} is no database that we know",
                where="control.database_url",
                hint="give postgresql://user@host/name, or nothing for SQLite in the data folder",
            )
        options: dict[str, Any] = (
            {"connect_args": {"timeout": BUSY_WAIT_S}}
            if self.is_sqlite
            else {"pool_pre_ping": True}
        )
        self.engine: Engine = create_engine(parsed, **options)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._lock = threading.RLock()
        self._watch: Connection | None = None
        self._watch_lock = threading.Lock()
        with _guarded(self.where):
            self._migrate()

    @classmethod
    def in_folder(cls, folder: Path) -> Database:
        """The SQLite database of a data folder; its owner alone may read it, it holds secrets."""
        path = folder / DATABASE_FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
        except OSError as error:
            raise StoreError(
                f"cannot make the control database: {error.strerror}",
                where=str(path),
                hint="choose another folder with --data DIR or VPCFLOW_DATA",
            ) from error
        return cls(f"sqlite:///{path}")

    @property
    def where(self) -> str:
        """The database as a message may name it, without a password."""
        return str(self.engine.url.render_as_string(hide_password=True))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for questions."""
        with _guarded(self.where), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, alone: kept as a whole when the block ends well, else not at all."""
        with self._lock, _guarded(self.where), self.engine.connect() as connection:
            options = {"vpcflow_write": True}
            with connection.execution_options(**options).begin():
                if not self.is_sqlite:
                    connection.execute(
                        text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITER_LOCK}
                    )
                yield connection

    def change_mark(self) -> int:
        """A number that differs after any commit, by whichever process."""
        with self._watch_lock, _guarded(self.where):
            if self._watch is None:
                self._watch = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            if self.is_sqlite:
                driver = self._watch.connection.driver_connection
                assert driver is not None
                return int(driver.execute("PRAGMA data_version").fetchone()[0])
            asked = text("SELECT coalesce(sum(generation), 0) FROM generations")
            try:
                return int(self._watch.execute(asked).scalar_one())
            except SQLAlchemyError:
                # The server went away: the next question begins with another connection.
                watch, self._watch = self._watch, None
                with suppress(SQLAlchemyError):
                    watch.invalidate()
                    watch.close()
                raise

    def close(self) -> None:
        """Give all connections back."""
        with self._watch_lock:
            if self._watch is not None:
                self._watch.close()
                self._watch = None
        self.engine.dispose()

    def _migrate(self) -> None:
        with self.engine.connect() as connection:
            if _version(connection) == HEAD:
                return
        from vpcflow.control.state.migrate import upgrade

        with self.writing() as connection:
            upgrade(connection)


def _version(connection: Connection) -> str | None:
    from sqlalchemy import inspect

    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # SQLAlchemy's own BEGIN comes too late for a writer that must wait for its turn.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_isolation_level() == "AUTOCOMMIT":
        return
    write = connection.get_execution_options().get("vpcflow_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextmanager
def _guarded(where: str) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreError(
            f"the control database said no: {getattr(error, 'orig', None) or error}",
            where=where,
            hint="check the disk's free space, the permissions and the server; nothing was changed",
        ) from error
