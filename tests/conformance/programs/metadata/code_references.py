from pathlib import Path

from dagster import (
    AnchorBasedFilePathMapping,
    CodeReferencesMetadataValue,
    Definitions,
    LocalFileCodeReference,
    UrlCodeReference,
    asset,
    link_code_references_to_git,
    with_source_code_references,
)


@asset
def here(): ...


@asset(
    metadata={
        "dagster/code_references": CodeReferencesMetadataValue(
            code_references=[LocalFileCodeReference(file_path="/tmp/elsewhere.sql", line_number=3)]
        )
    }
)
def there(): ...


referenced = with_source_code_references([here, there])
linked = link_code_references_to_git(
    assets_defs=referenced,
    git_url="https://github.com/example/project",
    git_branch="main",
    file_path_mapping=AnchorBasedFilePathMapping(
        local_file_anchor=Path(__file__).parent, file_anchor_path_in_repository="src/"
    ),
)

defs = Definitions(assets=linked)


def shown(url):
    """Without the way out of the project, which is longer or shorter where this lies elsewhere."""
    return url.rpartition("/")[2] if ".." in url else url


def observe():
    found = {}
    for one in linked:
        value = one.metadata_by_key[one.key]["dagster/code_references"]
        found[one.key.to_user_string()] = [
            [type(ref).__name__, shown(ref.url.rsplit("#", 1)[0])]
            for ref in value.code_references
            if isinstance(ref, UrlCodeReference)
        ]
    local = referenced[0].metadata_by_key[here.key]["dagster/code_references"].code_references[0]
    return {
        "linked": found,
        "local": [type(local).__name__, Path(local.file_path).name, local.line_number > 5],
    }
