"""REST at ``/api/v1``: small, versioned, described by OpenAPI."""
