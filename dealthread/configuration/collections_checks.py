"""How overdue invoices are pursued: one policy for each seller, stages in an order that is fair."""

from __future__ import annotations

from collections.abc import Iterator

from dealthread.configuration.common import COLLECTIONS, ENTITIES, dangling
from dealthread.configuration.problem import ConfigProblem
from dealthread.domain.catalog import ConfigSet, RetryEngine
from dealthread.domain.dunning import CollectionsPolicy, DunningStage


def policies(config: ConfigSet) -> Iterator[ConfigProblem]:
    """Each company is pursued for by exactly one policy; each policy can be carried out."""
    known = [entity.code for entity in config.legal_entities]
    named: dict[str, int] = {}
    for index, policy in enumerate(config.collections):
        path = f"collections[{index}]"
        for seller in policy.sellers:
            if seller not in known:
                yield dangling(COLLECTIONS, f"{path}.sellers", seller, ENTITIES)
            if seller in named:
                yield ConfigProblem(
                    COLLECTIONS,
                    f"{path}.sellers",
                    repr(seller),
                    f"stands in collections[{named[seller]}] already: one policy for each",
                )
            named.setdefault(seller, index)
        yield from _counts(path, policy)
        yield from _stages(path, policy)
    for index, entity in enumerate(config.legal_entities):
        if entity.retry_engine == (RetryEngine.COLLECTIONS,):
            yield ConfigProblem(
                ENTITIES,
                f"legal_entities[{index}].retry_engine",
                str(RetryEngine.COLLECTIONS),
                "no stage charges again, so that nobody would: set [billing], the biller's retries",
            )
    for code in known:
        if code not in named:
            yield ConfigProblem(
                COLLECTIONS,
                "collections",
                repr(code),
                "its overdue invoices would be pursued by nobody: name it in one row's sellers",
            )


def _counts(path: str, policy: CollectionsPolicy) -> Iterator[ConfigProblem]:
    for name, least in (("grace_days", 1), ("max_promise_days", 1), ("max_promises", 0)):
        value = getattr(policy, name)
        if value < least:
            yield ConfigProblem(COLLECTIONS, f"{path}.{name}", str(value), f"{least} or more")


def _stages(path: str, policy: CollectionsPolicy) -> Iterator[ConfigProblem]:
    if not policy.stages:
        yield ConfigProblem(COLLECTIONS, f"{path}.stages", "", "name at least one stage")
    before: DunningStage | None = None
    is_warned = False
    for number, stage in enumerate(policy.stages):
        here = f"{path}.stages[{number}]"
        if stage.after_days < (0 if before is None else before.after_days + 1):
            yield ConfigProblem(
                COLLECTIONS,
                f"{here}.after_days",
                str(stage.after_days),
                "0 or more, and later than the stage before it",
            )
        if stage.suspend and not is_warned:
            yield ConfigProblem(
                COLLECTIONS,
                f"{here}.suspend",
                "True",
                "nobody is suspended unwarned: give an earlier stage a notice",
            )
        is_last = number == len(policy.stages) - 1
        if stage.hand_over != is_last:
            yield ConfigProblem(
                COLLECTIONS,
                f"{here}.hand_over",
                str(stage.hand_over),
                "true on the last stage, and on no other: in the end a person decides",
            )
        if stage.hand_over and (stage.suspend or stage.notice or stage.escalate):
            yield ConfigProblem(
                COLLECTIONS, f"{here}.hand_over", "True", "the last stage does nothing else"
            )
        is_warned = is_warned or stage.notice is not None
        before = stage
