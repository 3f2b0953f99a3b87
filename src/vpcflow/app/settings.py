"""All settings in one frozen model: command line, then environment, then vpcflow.toml, then defaults."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from vpcflow.api.rest.settings import RestSettings
from vpcflow.api.settings import ApiSettings
from vpcflow.app.ingest_settings import IngestSettings
from vpcflow.base.data_folder import DataFolder
from vpcflow.base.errors import SettingsError
from vpcflow.capture.packet_sources.ring_settings import RingSettings
from vpcflow.capture.settings import CaptureSettings
from vpcflow.collect.settings import CollectSettings
from vpcflow.console.settings import ConsoleSettings
from vpcflow.control.settings import ControlSettings
from vpcflow.deliver.firehose_settings import FirehoseSettings
from vpcflow.deliver.settings import DeliverySettings
from vpcflow.inventory.settings import InventorySettings
from vpcflow.query.settings import QuerySettings
from vpcflow.store.event_store_settings import EventStoreSettings
from vpcflow.store.object_store_settings import ObjectStoreSettings
from vpcflow.store.settings import StoreSettings
from vpcflow.store.table_settings import TableSettings

ENVIRONMENT_PREFIX = "VPCFLOW_"
#: The root's key, for scripts that start a server and know its key beforehand.
ROOT_ACCESS_KEY_ID_VARIABLE = "VPCFLOW_ROOT_ACCESS_KEY_ID"
ROOT_SECRET_ACCESS_KEY_VARIABLE = "VPCFLOW_ROOT_SECRET_ACCESS_KEY"  # noqa: S105 - its name
#: A shorter name of inventory.account_id.
ACCOUNT_ID_VARIABLE = "VPCFLOW_ACCOUNT_ID"
#: Environment variables that are not settings: where settings are, and what no file should hold.
_NOT_SETTINGS = frozenset(
    {
        "VPCFLOW_CONFIG",
        ROOT_ACCESS_KEY_ID_VARIABLE,
        ROOT_SECRET_ACCESS_KEY_VARIABLE,
        ACCOUNT_ID_VARIABLE,
    }
)
DEFAULT_FILE = "vpcflow.toml"


def _default_data() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "vpcflow"


class Settings(BaseSettings):
    """Everything that can be set; one part per component.

    Errors: unknown keys are refused, in the file and in the environment.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
    )

    data: Path = Field(
        default_factory=_default_data,
        description="Folder of everything that vpcflow keeps.",
    )
    api: ApiSettings = Field(
        default_factory=ApiSettings, description="The endpoint for AWS's clients."
    )
    capture: CaptureSettings = Field(
        default_factory=CaptureSettings, description="Metering packets of interfaces."
    )
    collect: CollectSettings = Field(
        default_factory=CollectSettings, description="Taking records in."
    )
    console: ConsoleSettings = Field(
        default_factory=ConsoleSettings, description="The console in the browser."
    )
    control: ControlSettings = Field(
        default_factory=ControlSettings, description="Flow logs as resources, and who may do what."
    )
    deliver: DeliverySettings = Field(
        default_factory=DeliverySettings, description="Records on their way to destinations."
    )
    events: EventStoreSettings = Field(
        default_factory=EventStoreSettings, description="Text events that clients put."
    )
    firehose: FirehoseSettings = Field(
        default_factory=FirehoseSettings, description="Delivery streams on this endpoint."
    )
    objects: ObjectStoreSettings = Field(
        default_factory=ObjectStoreSettings, description="Buckets on this endpoint."
    )
    ingest: IngestSettings = Field(
        default_factory=IngestSettings, description="From a source to the table."
    )
    store: StoreSettings = Field(default_factory=StoreSettings, description="Writing data files.")
    table: TableSettings = Field(default_factory=TableSettings, description="Keeping the table.")
    ring: RingSettings = Field(
        default_factory=RingSettings, description="Memory for packets that were just seen."
    )
    inventory: InventorySettings = Field(
        default_factory=InventorySettings, description="What exists, and whose it is."
    )
    query: QuerySettings = Field(default_factory=QuerySettings, description="Bounds on questions.")
    rest: RestSettings = Field(
        default_factory=RestSettings, description="Bounds on what the console's pages ask."
    )

    @property
    def folder(self) -> DataFolder:
        """The data folder."""
        return DataFolder(self.data)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before what is handed in: the file's values are handed in."""
        return env_settings, init_settings


def find_file(config_file: str | None) -> Path | None:
    """The settings file that is in force: the one that was named, else ./vpcflow.toml if there."""
    if config_file:
        return Path(config_file)
    here = Path(DEFAULT_FILE)
    return here if here.is_file() else None


def load_settings(data: str | None = None, config_file: str | None = None) -> Settings:
    """Read the settings.

    Errors: SettingsError that names the key, where it stands and what is wrong with it.
    """
    path = find_file(config_file)
    values = _read_file(path) if path else {}
    _refuse_unknown_environment()
    account_id = os.environ.get(ACCOUNT_ID_VARIABLE)
    if account_id is not None:
        values["inventory"] = {**values.get("inventory", {}), "account_id": account_id}
    try:
        settings = Settings(**values)
        # The command line wins over the environment, which pydantic-settings ranks first here.
        return settings.model_copy(update={"data": Path(data)}) if data else settings
    except ValidationError as error:
        raise _settings_error(error, path) from error


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(
            "no such settings file", where=str(path), hint="check --config or VPCFLOW_CONFIG"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the settings file: {error}", where=str(path)) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"not valid TOML: {error}", where=str(path)) from error


def _refuse_unknown_environment() -> None:
    for name in os.environ:
        if not name.startswith(ENVIRONMENT_PREFIX) or name in _NOT_SETTINGS:
            continue
        first = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")[0]
        if first not in Settings.model_fields:
            raise SettingsError(
                "no such setting",
                where=f"environment variable {name}",
                hint="`vpcflow config show` lists all settings",
            )


def _settings_error(error: ValidationError, path: Path | None) -> SettingsError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    variable = ENVIRONMENT_PREFIX + "__".join(str(part) for part in first["loc"]).upper()
    place = (
        f"environment variable {variable}" if variable in os.environ else str(path or "settings")
    )
    message = "no such setting" if first["type"] == "extra_forbidden" else first["msg"].lower()
    return SettingsError(
        f"{key}: {message}", where=place, hint="`vpcflow config show` lists all settings"
    )
