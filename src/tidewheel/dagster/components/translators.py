"""Translators: how an integration's objects become assets, changed by what a component's file says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Generic, TypeVar

from tidewheel.dagster.components.fields import Resolver
from tidewheel.dagster.components.resolution import ResolutionContext
from tidewheel.dagster.components.spec_fields import asset_attributes
from tidewheel.definitions.assets.asset_spec import AssetSpec

T = TypeVar("T")
TComponent = TypeVar("TComponent")

TranslationFn = Callable[[AssetSpec, T], AssetSpec]


class TranslationFnResolver(Resolver, Generic[T]):
    """Reads attributes for assets as a function that puts them on specs.

    Their expressions may name ``spec``, ``data``, and what ``template_vars_for_translation_fn`` gives for the data.
    """

    def __init__(
        self,
        template_vars_for_translation_fn: Callable[[Any], Mapping[str, Any]] | None = None,
        model_field_type: Any = None,
    ) -> None:
        super().__init__(self._translation, model_field_type=model_field_type)
        self.template_vars_for_translation_fn = template_vars_for_translation_fn

    def _translation(self, context: ResolutionContext, attributes: Any) -> TranslationFn[Any]:
        if attributes is None or callable(attributes):
            return attributes or (lambda spec, _data: spec)
        names = self.template_vars_for_translation_fn or (lambda _data: {})

        def translated(spec: AssetSpec, data: Any) -> AssetSpec:
            inner = context.with_scope(spec=spec, data=data, **names(data))
            given = asset_attributes(inner, attributes, spec.key)
            together = {name: given.pop(name) for name in ("metadata", "tags") if name in given}
            return spec.replace_attributes(**given).merge_attributes(**together)

        return translated


ResolvedTranslationFn = Annotated[TranslationFn[Any], TranslationFnResolver()]


class ComponentTranslator(Generic[TComponent]):
    """A translator that asks its component."""

    def __init__(self, component: TComponent, *args: Any, **kwargs: Any) -> None:
        self._component = component
        super().__init__(*args, **kwargs)

    @property
    def component(self) -> TComponent:
        """The component that is asked."""
        return self._component


def create_component_translator_cls(base_component_cls: type, base_translator_cls: type) -> type:
    """A translator whose specs the component's ``get_asset_spec`` makes, where it has been overridden."""

    class Translator(ComponentTranslator[Any], base_translator_cls):  # type: ignore[misc]
        def get_asset_spec(self, *args: Any, **kwargs: Any) -> AssetSpec:
            own = getattr(type(self.component), "get_asset_spec", None)
            if own is not None and own is not getattr(base_component_cls, "get_asset_spec", None):
                return self.component.get_asset_spec(*args, **kwargs)  # type: ignore[no-any-return]
            return super().get_asset_spec(*args, **kwargs)  # type: ignore[no-any-return]

    return Translator
