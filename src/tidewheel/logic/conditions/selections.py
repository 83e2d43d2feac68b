"""Which assets or checks a condition's `allow` and `ignore` mean: selections as serialisable values.

They are resolved against the whole graph (`subjects.py`), because a dependency may live in another code
location than the condition. Asset names are wire texts.
"""

from __future__ import annotations

from typing import Optional, Union, assert_never

import msgspec


class _Selection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    pass


class AllAssets(_Selection, frozen=True, tag="all"):
    """Every asset that is made somewhere; with `include_external` the others too."""

    include_external: bool = False


class Keys(_Selection, frozen=True, tag="keys"):
    """These assets; names that do not exist select nothing."""

    keys: tuple[str, ...]


class KeyPattern(_Selection, frozen=True, tag="key_pattern"):
    """Assets whose slash-joined key matches a pattern with `*`."""

    pattern: str


class KeyPrefixes(_Selection, frozen=True, tag="key_prefixes"):
    """Assets whose key begins with the parts of one of these keys."""

    prefixes: tuple[tuple[str, ...], ...]
    include_external: bool = False


class KeySubstring(_Selection, frozen=True, tag="key_substring"):
    """Assets whose slash-joined key holds a text."""

    text: str
    include_external: bool = False


class Groups(_Selection, frozen=True, tag="groups"):
    """Assets of these groups."""

    groups: tuple[str, ...]
    include_external: bool = False


class Tagged(_Selection, frozen=True, tag="tagged"):
    """Assets with a tag of this value."""

    key: str
    value: str
    include_external: bool = False


class OwnedBy(_Selection, frozen=True, tag="owner"):
    """Assets of an owner; None: without one."""

    owner: Optional[str] = None


class OfKind(_Selection, frozen=True, tag="kind"):
    """Assets of a kind; None: without one."""

    kind: Optional[str] = None
    include_external: bool = False


class ChecksOf(_Selection, frozen=True, tag="checks_of"):
    """The checks of these assets (and no asset); None: of all assets."""

    assets: Optional[tuple[str, ...]] = None


class Checks(_Selection, frozen=True, tag="checks"):
    """These checks, as wire texts `asset:check`."""

    checks: tuple[str, ...]


class Downstream(_Selection, frozen=True, tag="downstream"):
    """A selection and what depends on it, at most `depth` levels away."""

    of: Selection
    depth: Optional[int] = None
    include_self: bool = True


class Upstream(_Selection, frozen=True, tag="upstream"):
    """A selection and what it depends on, at most `depth` levels away."""

    of: Selection
    depth: Optional[int] = None
    include_self: bool = True


class Sinks(_Selection, frozen=True, tag="sinks"):
    """Those of a selection on which no other of them depends."""

    of: Selection


class Roots(_Selection, frozen=True, tag="roots"):
    """Those of a selection that depend on no other of them."""

    of: Selection


class ExternalParents(_Selection, frozen=True, tag="external_parents"):
    """Assets made elsewhere on which a selection depends directly."""

    of: Selection


class Siblings(_Selection, frozen=True, tag="siblings"):
    """A selection and what is always made together with it."""

    of: Selection


class Materializable(_Selection, frozen=True, tag="materializable"):
    """Those of a selection that are made by code."""

    of: Selection


class AnyOf(_Selection, frozen=True, tag="any_of"):
    """What one of these selects."""

    operands: tuple[Selection, ...]


class AllOf(_Selection, frozen=True, tag="all_of"):
    """What each of these selects."""

    operands: tuple[Selection, ...]


class Less(_Selection, frozen=True, tag="less"):
    """What `left` selects and `right` does not."""

    left: Selection
    right: Selection


Selection = Union[
    AllAssets,
    Keys,
    KeyPattern,
    KeyPrefixes,
    KeySubstring,
    Groups,
    Tagged,
    OwnedBy,
    OfKind,
    ChecksOf,
    Checks,
    Downstream,
    Upstream,
    Sinks,
    Roots,
    ExternalParents,
    Siblings,
    Materializable,
    AnyOf,
    AllOf,
    Less,
]


def joined(first: Selection | None, second: Selection) -> Selection:
    """What either selects; None selects nothing yet."""
    if first is None:
        return second
    operands = first.operands if isinstance(first, AnyOf) else (first,)
    return AnyOf(operands=(*operands, second))


def text_of(selection: Selection) -> str:
    """A short text for people, in the selection syntax as far as that has words for it."""
    match selection:
        case AllAssets():
            return "*"
        case Keys(keys=keys):
            return " or ".join(f'key:"{key}"' for key in keys)
        case KeyPattern(pattern=pattern):
            return f'key:"{pattern}"'
        case KeyPrefixes(prefixes=prefixes):
            return " or ".join(f'key:"{"/".join(prefix)}/*"' for prefix in prefixes)
        case KeySubstring(text=text):
            return f'key_substring:"{text}"'
        case Groups(groups=groups):
            return " or ".join(f'group:"{group}"' for group in groups)
        case Tagged(key=key, value=value):
            return f'tag:"{key}"="{value}"' if value else f'tag:"{key}"'
        case OwnedBy(owner=owner):
            return "owner:<null>" if owner is None else f'owner:"{owner}"'
        case OfKind(kind=kind):
            return "kind:<null>" if kind is None else f'kind:"{kind}"'
        case ChecksOf(assets=assets):
            return "all checks" if assets is None else f"checks of {', '.join(assets)}"
        case Checks(checks=checks):
            return f"checks {', '.join(checks)}"
        case Downstream(of=of, depth=depth):
            return f"({text_of(of)})+{'' if depth is None else depth}"
        case Upstream(of=of, depth=depth):
            return f"{'' if depth is None else depth}+({text_of(of)})"
        case Sinks(of=of) | Roots(of=of) | ExternalParents(of=of) | Siblings(of=of) | Materializable(of=of):
            return f"{selection.__struct_config__.tag}({text_of(of)})"
        case AnyOf(operands=operands):
            return " or ".join(text_of(one) for one in operands)
        case AllOf(operands=operands):
            return " and ".join(f"({text_of(one)})" for one in operands)
        case Less(left=left, right=right):
            return f"({text_of(left)}) and not ({text_of(right)})"
        case _:
            assert_never(selection)
