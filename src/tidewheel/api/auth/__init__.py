"""Login: who a request is from, pages to log in with, OIDC, and the headers that protect browsers."""
