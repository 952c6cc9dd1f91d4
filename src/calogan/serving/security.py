"""Who may ask: tokens, certificates, and what may not travel in plain text."""

from __future__ import annotations

import hmac
import ipaddress
import os
import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from calogan.errors import ConfigurationError

__all__ = [
    "TOKEN_VARIABLE",
    "Certificate",
    "authorized",
    "check_exposure",
    "is_local",
    "read_token",
]

TOKEN_VARIABLE = "CALOGAN_SERVER_TOKEN"
"""Environment variable of the token, on both sides."""

_MIN_TOKEN, _MAX_TOKEN = 16, 2048


@dataclass(frozen=True)
class Certificate:
    """Certificate chain and private key of a server, as PEM files."""

    chain: Path
    key: Path

    def read(self) -> tuple[bytes, bytes]:
        """Content of the key and of the chain.

        Raises:
            ConfigurationError: A file that cannot be read or is no PEM; or they do not fit together.
        """
        found = _read_pem(self.key, b"PRIVATE KEY"), _read_pem(self.chain, b"CERTIFICATE")
        try:  # with an empty password an encrypted key is refused: nobody is asked for one
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
                self.chain, self.key, password=""
            )
        except OSError as error:  # of which SSLError is one
            msg = f"{self.chain} and {self.key} are no certificate and its private key"
            raise ConfigurationError(msg) from error
        return found


def _read_pem(path: Path, what: bytes) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise ConfigurationError(msg) from error
    if b"-----BEGIN" not in content or what not in content:
        msg = f"{path} holds no {what.decode().lower()} in PEM"
        raise ConfigurationError(msg)
    return content


def read_token(file: Path | None = None) -> str | None:
    """The token: from a file, or from the environment; None if there is none.

    Args:
        file: Holds the token in its first line, and nothing else.

    Raises:
        ConfigurationError: The file cannot be read, or what it holds is no token.
    """
    if file is None:
        token, source = os.environ.get(TOKEN_VARIABLE, ""), f"${TOKEN_VARIABLE}"
        if not token:
            return None
    else:
        source = str(file)
        try:
            with file.open("rb") as opened:
                token = opened.read(2 * _MAX_TOKEN).decode("ascii", "replace").strip()
        except OSError as error:
            msg = f"cannot read the token {file}: {error.strerror}"
            raise ConfigurationError(msg) from error
    if not re.fullmatch(rf"[!-~]{{{_MIN_TOKEN},{_MAX_TOKEN}}}", token):
        msg = (
            f"{source}: a token has {_MIN_TOKEN} to {_MAX_TOKEN} letters, digits or signs, no spaces;"
            " make one with: openssl rand -hex 32"
        )
        raise ConfigurationError(msg)
    return token


def authorized(header: str | None, token: str | None) -> bool:
    """Whether a request with this `authorization` header may pass; in constant time."""
    if token is None:
        return True
    scheme, _, given = (header or "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(
        given.strip().encode("utf-8", "replace"), token.encode()
    )


def is_local(host: str) -> bool:
    """Whether packets to this address stay on the machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_exposure(host: str, token: str | None, *, encrypted: bool) -> None:
    """Refuse a token that would travel in plain text.

    Raises:
        ConfigurationError: The host is not this machine, there is a token, and no TLS.
    """
    if token is not None and not encrypted and not is_local(host):
        msg = (
            f"the token would travel in plain text to and from {host}: use TLS"
            " (--tls-cert and --tls-key; grpcs:// or https:// for clients), or 127.0.0.1"
        )
        raise ConfigurationError(msg)
