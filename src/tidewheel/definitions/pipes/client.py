"""What runs external processes through Pipes: the base of clients, and what an invocation has brought."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from tidewheel.definitions.assets.results import MaterializeResult
from tidewheel.definitions.assets.typed_metadata import typed_metadata
from tidewheel.definitions.checks.check_results import AssetCheckResult
from tidewheel.definitions.pipes.failures import PipesError
from tidewheel.definitions.pipes.session import PipesExecutionResult, PipesSession


class PipesClient(ABC):
    """Runs external processes of one kind. A parameter annotated with a client class is a resource."""

    __is_resource_type__ = True

    @abstractmethod
    def run(
        self, *, context: Any, extras: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> PipesClientCompletedInvocation:
        """Run an external process to its end for a step.

        Args:
            context: the context of the op, asset or check.
            extras: further data for the process, in JSON.
            kwargs: what to run; each client has its own parameters.
        """


class PipesClientCompletedInvocation:
    """An external process that has ended, and what it has reported."""

    def __init__(self, session: PipesSession, metadata: Mapping[str, Any] | None = None) -> None:
        self._session = session
        self._metadata = typed_metadata(metadata)

    @property
    def metadata(self) -> dict[str, Any]:
        """What the client tells of the invocation; it goes with every materialisation."""
        return dict(self._metadata)

    def get_results(self, *, implicit_materializations: bool = True) -> Sequence[PipesExecutionResult]:
        """Everything reported, and unless told otherwise a materialisation of each asset of the step that was not."""
        return self._session.get_results(
            implicit_materializations=implicit_materializations, metadata=self._metadata
        )

    def get_materialize_result(self, *, implicit_materialization: bool = True) -> MaterializeResult[Any]:
        """The only materialisation, with all check results.

        Raises:
            PipesError: when there is none or several.
        """
        results = self.get_results(implicit_materializations=implicit_materialization)
        made = [result for result in results if isinstance(result, MaterializeResult)]
        checks = [result for result in results if isinstance(result, AssetCheckResult)]
        if not made:
            raise PipesError(
                "expected the external process to report a materialisation, got none; call report_asset_materialization "
                "there, or leave implicit_materialization at True"
            )
        if len(made) > 1:
            keys = sorted(result.asset_key.to_user_string() for result in made if result.asset_key)
            raise PipesError(f"expected one materialisation, got {len(made)} ({keys}); use get_results()")
        first = made[0]
        return MaterializeResult(
            asset_key=first.asset_key,
            metadata=first.metadata,
            check_results=[*first.check_results, *checks],
            data_version=first.data_version,
            tags=first.tags,
        )

    def get_asset_check_result(self) -> AssetCheckResult:
        """The only check result, where nothing else was reported.

        Raises:
            PipesError: otherwise.
        """
        results = self.get_results(implicit_materializations=False)
        checks = [result for result in results if isinstance(result, AssetCheckResult)]
        if len(checks) != 1 or len(results) != 1:
            raise PipesError(
                f"expected one check result and no materialisation, got {len(checks)} check results and "
                f"{len(results) - len(checks)} materialisations; report one check there, or use get_results()"
            )
        return checks[0]

    def get_custom_messages(self) -> Sequence[Any]:
        """Payloads of custom messages, in order."""
        return self._session.get_custom_messages()
