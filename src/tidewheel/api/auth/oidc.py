"""Logs people in through an OpenID Connect provider: authorization code flow with PKCE, by Authlib."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Optional
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tidewheel.runtime.secrets import digest_of, is_same, new_secret
from tidewheel.runtime.settings import Settings

SCOPES = "openid profile email"
TIMEOUT_S = 10.0
SIGNATURES = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"]
CLOCK_LEEWAY_S = 60


class OidcError(Exception):
    """The login through the provider did not come about, and why, for people."""


class OidcOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Which provider, and who we are to it."""

    issuer: str
    client_id: str
    client_secret: Optional[str] = None
    name_claim: str = "preferred_username"


class Vouched(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the provider vouches for, and where the browser wanted to go."""

    issuer: str
    subject: str
    name: Optional[str]
    next_path: str


class _Kept(msgspec.Struct, frozen=True):
    """What the browser keeps in a cookie between going to the provider and coming back."""

    state: str
    nonce: str
    verifier: str
    next_path: str


def oidc_options(settings: Settings) -> OidcOptions | None:
    """The provider of the settings, if one is set."""
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    return OidcOptions(
        issuer=settings.oidc_issuer.rstrip("/"),
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        name_claim=settings.oidc_name_claim,
    )


class OidcClient:
    """One provider. Authlib and httpx are loaded at the first login: they take 0.3 s and 20 MB."""

    def __init__(self, options: OidcOptions) -> None:
        self.options = options
        self._metadata: dict[str, Any] | None = None

    async def begin(self, callback: str, next_path: str) -> tuple[str, str]:
        """(address at the provider to go to, what the browser is to keep until it comes back).

        Raises:
            OidcError: when the provider cannot be reached.
        """
        kept = _Kept(new_secret(), new_secret(), new_secret() + new_secret(), next_path)
        metadata = await self._provider()
        async with self._client(callback) as client:
            address, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=kept.state,
                nonce=kept.nonce,
                code_verifier=kept.verifier,
            )
        return address, urlsafe_b64encode(msgspec.json.encode(kept)).decode()

    async def finish(self, arrived_at: str, callback: str, kept_text: str, *, now: float) -> Vouched:
        """Whom the provider vouches for, of the address that it sent the browser back to.

        Raises:
            OidcError: when the login was refused, is not the one that this browser began, or the proof is not valid.
        """
        kept = _read_kept(kept_text)
        arrived = _parameters(arrived_at)
        if "error" in arrived:
            raise OidcError(f"the provider refused the login: {arrived['error'][:200]}")
        if not is_same(digest_of(arrived.get("state", "")), digest_of(kept.state)) or "code" not in arrived:
            raise OidcError("expected the login that this browser began, got another; please try again")
        metadata = await self._provider()
        try:
            async with self._client(callback) as client:
                token = await client.fetch_token(
                    metadata["token_endpoint"], code=arrived["code"], code_verifier=kept.verifier
                )
                keys = (await client.request("GET", metadata["jwks_uri"], withhold_token=True)).json()
        except Exception as exc:  # whatever the provider or the network did: the login has failed
            raise OidcError(f"the provider did not confirm the login: {type(exc).__name__}") from exc
        claims = self._claims(token.get("id_token"), keys, kept.nonce, now)
        name = claims.get(self.options.name_claim) or claims.get("email") or claims.get("name")
        return Vouched(
            issuer=self.options.issuer,
            subject=str(claims["sub"]),
            name=str(name) if name else None,
            next_path=kept.next_path,
        )

    def _claims(self, id_token: Any, keys: Any, nonce: str, now: float) -> dict[str, Any]:
        """The claims of an id token, after its signature, issuer, audience, nonce and times have been checked."""
        from joserfc import jwt  # noqa: PLC0415 - see the class
        from joserfc.errors import JoseError  # noqa: PLC0415
        from joserfc.jwk import KeySet  # noqa: PLC0415

        wanted = jwt.JWTClaimsRegistry(
            now=int(now),
            leeway=CLOCK_LEEWAY_S,
            iss={"essential": True, "value": (self._metadata or {}).get("issuer", self.options.issuer)},
            aud={"essential": True, "value": self.options.client_id},
            exp={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            decoded = jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=SIGNATURES)
            wanted.validate(decoded.claims)
        except (JoseError, ValueError, TypeError, KeyError) as exc:
            raise OidcError(f"the provider's proof is not valid: {type(exc).__name__}") from exc
        return dict(decoded.claims)

    async def _provider(self) -> dict[str, Any]:
        if self._metadata is None:
            address = f"{self.options.issuer}/.well-known/openid-configuration"
            try:
                async with self._client("") as client:
                    found = (
                        (await client.request("GET", address, withhold_token=True)).raise_for_status().json()
                    )
            except Exception as exc:  # whatever the network did
                raise OidcError(f"the login provider does not answer: {type(exc).__name__}") from exc
            if str(found.get("issuer", "")).rstrip("/") != self.options.issuer:
                raise OidcError(
                    f"expected the provider {self.options.issuer}, got one that calls itself otherwise"
                )
            self._metadata = found
        return self._metadata

    def _client(self, callback: str) -> Any:
        from authlib.integrations.httpx_client import AsyncOAuth2Client  # noqa: PLC0415 - see the class

        return AsyncOAuth2Client(
            self.options.client_id,
            self.options.client_secret,
            scope=SCOPES,
            redirect_uri=callback,
            code_challenge_method="S256",
            timeout=TIMEOUT_S,
            token_endpoint_auth_method="client_secret_basic" if self.options.client_secret else "none",
        )


def _read_kept(text: str) -> _Kept:
    try:
        return msgspec.json.decode(urlsafe_b64decode(text.encode()), type=_Kept)
    except ValueError:
        raise OidcError("expected a login that this browser began, got none; please try again") from None


def _parameters(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query, max_num_fields=30))
