"""One way to a Temporal client: pydantic payloads, encryption, encoded failures, interceptors."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import timedelta

from temporalio.client import Client, Interceptor
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
)
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from dealthread.errors import VendorUnavailable
from dealthread.settings import Settings

RPC_TIMEOUT = timedelta(seconds=10)
"""Of every client call in the bridge and the CLI; a time-out of a start or an Update means
"perhaps", and it is repeated with the same id."""


def data_converter(codec: PayloadCodec) -> DataConverter:
    """Pydantic models in, ciphertext out; failure messages and stack traces are encoded too."""
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=codec,
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


async def connect(settings: Settings, interceptors: Sequence[Interceptor] = ()) -> Client:
    """Connect by the Temporal profile if one is configured, else by our settings.

    Raises VendorUnavailable when the server does not answer.
    """
    profile = ClientConfig.load_client_connect_config()
    try:
        return await Client.connect(
            profile.get("target_host") or settings.temporal_address,
            namespace=profile.get("namespace") or settings.temporal_namespace,
            api_key=profile.get("api_key"),
            tls=profile.get("tls"),
            rpc_metadata=profile.get("rpc_metadata") or {},
            data_converter=data_converter(settings.codec()),
            interceptors=interceptors,
        )
    except (RuntimeError, RPCError) as error:
        raise VendorUnavailable(
            "temporal_unreachable", address=settings.temporal_address
        ) from error
