"""Reads the RSA key that an app's assertions are checked with."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate


def rsa_key(pem: str) -> RSAPublicKey:
    """The RSA key of a certificate or public key in PEM. Raises ValueError."""
    raw = pem.encode()
    key = (
        load_pem_x509_certificate(raw).public_key()
        if "BEGIN CERTIFICATE" in pem
        else load_pem_public_key(raw)
    )
    if not isinstance(key, RSAPublicKey):
        raise ValueError("the JWT bearer flow needs an RSA key")
    return key
