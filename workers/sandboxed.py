"""The sandbox in which workflows run, here and wherever a history is replayed."""

from __future__ import annotations

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions


def sandbox() -> SandboxedWorkflowRunner:
    """The sandbox stays on. Passed through: our own packages and the workflows' helpers, whose
    clocks and randomness are banned by lint instead, and pydantic: importing them again for each
    run took a fifth of the worker's time (docs/performance.md)."""
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(
            "dealthread",
            "activities",
            "pydantic",
            "pydantic_core",
            "structlog",
            "workflows.business_time",
            "workflows.change_run",
            "workflows.change_steps",
            "workflows.collections_orders",
            "workflows.collections_steps",
            "workflows.contract_memory",
            "workflows.decided_by_people",
            "workflows.desk",
            "workflows.last_stage",
            "workflows.questions",
            "workflows.steps",
            "workflows.wording",
        )
    )
