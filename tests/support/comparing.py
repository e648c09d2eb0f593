"""A contract of the laboratory compared with every system, by the product's own comparison."""

from __future__ import annotations

import uuid

from dealthread.bridge.contract_checking import Comparison
from dealthread.domain.comparison.seen import SystemsSay
from dealthread.naming import WORKFLOW_QUEUE
from dealthread.settings import Settings
from tests.support.saga_lab import Lab
from workflows.contract_check import ContractCheckInput, ContractCheckWorkflow

SETTINGS = Settings.model_validate({"database_url": "postgresql://nowhere", "codec_keys": "{}"})
"""The engine is the laboratory's."""


async def compared(it: Lab, contract_key: str) -> list[str]:
    """What differs, and what was not read, in words."""

    async def ask(order: ContractCheckInput) -> SystemsSay:
        return await it.client.execute_workflow(
            ContractCheckWorkflow.run,
            order,
            id=f"contract-check:{uuid.uuid4()}",
            task_queue=WORKFLOW_QUEUE,
        )

    comparison = Comparison(SETTINGS, it.engine, lambda: it.world.today)
    (looked,) = await comparison.look([contract_key], ask)
    return [
        *(
            f"{one.system} {one.field}: {one.found} instead of {one.wanted}"
            for one in looked.finding.differences
        ),
        *(f"{one.system} was not read: {one.code}" for one in looked.finding.unread),
    ]
