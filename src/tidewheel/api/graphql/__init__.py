"""The GraphQL interface: one schema file, one module of resolvers per area."""
