"""The durable state of the control plane: one store for all kinds of resources."""

from vpcflow.control.state.database import Database
from vpcflow.control.state.resources import GLOBAL, Change, Kind, Place, State

__all__ = ["GLOBAL", "Change", "Database", "Kind", "Place", "State"]
