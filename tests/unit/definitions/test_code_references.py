from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.definitions.assets.code_references import (
    CODE_REFERENCES_KEY,
    AnchorBasedFilePathMapping,
    CodeReferencesMetadataValue,
    LocalFileCodeReference,
    UrlCodeReference,
    code_references_of,
    link_code_references_to_git,
    reference_of,
    with_source_code_references,
)
from tidewheel.errors import ParameterCheckError
from tidewheel.values import serde
from tidewheel.values.metadata import JsonMetadataValue, Metadata, MetadataValue, normalize_metadata


@tw.asset(metadata={"x": 1})
def a() -> None: ...


URL = UrlCodeReference(url="http://docs")


@tw.multi_asset(
    specs=[
        tw.AssetSpec("m1"),
        tw.AssetSpec(
            "m2", metadata={CODE_REFERENCES_KEY: CodeReferencesMetadataValue(code_references=[URL])}
        ),
    ]
)
def several() -> None: ...


@tw.op
def one() -> int:
    return 1


@tw.graph_asset
def g() -> Any:
    return one()


def line_of(name: str) -> int:
    lines = Path(__file__).read_text().splitlines()
    number = next(n for n, line in enumerate(lines, 1) if line.startswith(f"def {name}("))
    while not lines[number - 1].startswith("@"):
        number -= 1
    return number


def references(definition: Any, key: str) -> list[Any]:
    return code_references_of(definition.specs_by_key[tw.AssetKey(key)].metadata)


def test_functions_are_referred_to() -> None:
    spec, source = tw.AssetSpec("s"), tw.SourceAsset("src")
    found = with_source_code_references([a, several, g, spec, source])
    here = str(Path(__file__).resolve())
    assert references(found[0], "a") == [LocalFileCodeReference(file_path=here, line_number=line_of("a"))]
    assert found[0].specs_by_key[a.key].metadata["x"] == 1
    own = LocalFileCodeReference(file_path=here, line_number=line_of("several"))
    assert references(found[1], "m1") == [own]
    assert references(found[1], "m2") == [URL, own]
    assert references(found[2], "g") == [LocalFileCodeReference(file_path=here, line_number=line_of("g"))]
    assert found[3:] == [spec, source]
    assert references(with_source_code_references(found)[0], "a") == references(found[0], "a"), "not twice"


def test_functions_without_a_file_are_left_out() -> None:
    assert reference_of(None) is None
    assert reference_of(len) is None
    assert reference_of(eval("lambda: 1")) is None


@pytest.mark.parametrize(
    ("git_url", "platform", "base"),
    [
        ("https://github.com/o/r", None, "https://github.com/o/r/tree/main"),
        ("https://github.com/o/r/", None, "https://github.com/o/r/tree/main"),
        ("https://gitlab.com/o/r", None, "https://gitlab.com/o/r/-/tree/main"),
        ("git@github.com:o/r.git", None, "https://github.com/o/r/tree/main"),
        ("https://git.corp/o/r", "gitlab", "https://git.corp/o/r/-/tree/main"),
        ("https://git.corp/o/r", "github", "https://git.corp/o/r/tree/main"),
    ],
)
def test_links(git_url: str, platform: Any, base: str) -> None:
    mapping = AnchorBasedFilePathMapping(Path(__file__), "sub/tests/this.py")
    linked = link_code_references_to_git(
        with_source_code_references([a, several]), git_url, "main", mapping, platform
    )
    assert references(linked[0], "a") == [UrlCodeReference(url=f"{base}/sub/tests/this.py#L{line_of('a')}")]
    assert references(linked[1], "m2")[0] == URL


def test_unknown_platforms() -> None:
    mapping = AnchorBasedFilePathMapping(Path("/r"), "")
    with pytest.raises(ValueError, match="pass platform="):
        link_code_references_to_git([a], "https://example.org/o/r", "main", mapping)
    with pytest.raises(ParameterCheckError, match="'svn'"):
        link_code_references_to_git([a], "https://example.org/o/r", "main", mapping, "svn")  # type: ignore[arg-type]


def test_specs_are_linked_and_others_stay() -> None:
    local = LocalFileCodeReference(file_path="/r/p/x.sql", label="query")
    spec = tw.AssetSpec(
        "s", metadata={CODE_REFERENCES_KEY: CodeReferencesMetadataValue(code_references=[local])}
    )
    mapping = AnchorBasedFilePathMapping(Path("/r/p"), "q")
    plain = tw.AssetSpec("plain")
    found = link_code_references_to_git([spec, plain, "other"], "https://github.com/o/r", "b", mapping)
    assert code_references_of(found[0].metadata) == [
        UrlCodeReference(url="https://github.com/o/r/tree/b/q/x.sql", label="query")
    ]
    assert found[1:] == [plain, "other"]


@pytest.mark.parametrize(
    ("anchor", "inside", "path", "expected"),
    [
        ("/r/p/a.py", "q/a.py", "/r/p/b.py", "q/b.py"),
        ("/r/p/a.py", "q/a.py", "/r/p/s/b.py", "q/s/b.py"),
        ("/r/p/a.py", "q/a.py", "/r/z.py", "z.py"),
        ("/r/p", "q", "/r/p/s/b.py", "q/s/b.py"),
        ("/r", "", "/r/b.py", "b.py"),
    ],
)
def test_paths_in_the_repository(anchor: str, inside: str, path: str, expected: str) -> None:
    assert (
        AnchorBasedFilePathMapping(Path(anchor), inside).convert_to_source_control_path(Path(path))
        == expected
    )


def test_references_are_stored_as_json_metadata() -> None:
    value = CodeReferencesMetadataValue(
        code_references=[LocalFileCodeReference(file_path="/x", line_number=3), URL]
    )
    assert isinstance(value, MetadataValue)
    metadata = normalize_metadata({CODE_REFERENCES_KEY: value})
    back = serde.decode(serde.encode(metadata), Metadata)
    assert isinstance(back[CODE_REFERENCES_KEY], JsonMetadataValue)
    assert code_references_of(back) == value.code_references
    assert [one.source for one in value.code_references] == ["/x:3", "http://docs"]
    assert code_references_of({}) == []
