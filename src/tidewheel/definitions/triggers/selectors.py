"""Names by which jobs are meant where assets and checks are meant too; see run_status_sensors for selectors of jobs."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from tidewheel.errors import ParameterCheckError


@functools.total_ordering
class AssetJobKey:
    """A job over assets, as something that conditions are about."""

    __slots__ = ("job_name",)

    def __init__(self, job_name: str) -> None:
        if not isinstance(job_name, str):
            raise ParameterCheckError(f"expected job_name as text, got {job_name!r}")
        self.job_name = job_name

    @staticmethod
    def from_user_string(user_string: str) -> AssetJobKey:
        """The key of a text for people."""
        return AssetJobKey(user_string)

    @staticmethod
    def from_db_string(db_string: str) -> AssetJobKey | None:
        """The key of a stored text; None for a text of something else."""
        try:
            found = json.loads(db_string)
        except ValueError:
            return None
        name = found.get("job_name") if isinstance(found, dict) else None
        return AssetJobKey(name) if isinstance(name, str) else None

    @staticmethod
    def from_graphql_input(graphql_input: Mapping[str, Any]) -> AssetJobKey:
        """The key of a GraphQL input."""
        return AssetJobKey(graphql_input["jobName"])

    def to_user_string(self) -> str:
        """A text for people."""
        return self.job_name

    def to_db_string(self) -> str:
        """A text to store."""
        return json.dumps({"job_name": self.job_name})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AssetJobKey) and self.job_name == other.job_name

    def __lt__(self, other: object) -> bool:
        return self.job_name < other.job_name if isinstance(other, AssetJobKey) else NotImplemented

    def __hash__(self) -> int:
        return hash(("job", self.job_name))

    def __repr__(self) -> str:
        return f"AssetJobKey(job_name={self.job_name!r})"
