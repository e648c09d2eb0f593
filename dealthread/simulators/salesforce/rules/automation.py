"""What the org does by itself when a row is saved: derived values, validation rules, the outbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.salesforce.messages.outbox import TRIGGER_OBJECTS, Listener, OutboxRules
from dealthread.simulators.salesforce.rules.deals import OpportunityLineRules, OpportunityRules
from dealthread.simulators.salesforce.rules.orders import OrderItemRules, OrderRules
from dealthread.simulators.salesforce.rules.people import AccountRules, AssetRules, NameRules
from dealthread.simulators.salesforce.rules.price_books import EntryRules, ProductRules
from dealthread.simulators.salesforce.rules.quote_sync import QuoteSync
from dealthread.simulators.salesforce.rules.quotes import QuoteLineRules, QuoteRules
from dealthread.simulators.salesforce.rules.save import Rules, Save, Writer
from dealthread.simulators.salesforce.rules.service_contracts import ContractRules
from dealthread.simulators.salesforce.schema.model import Row, SObject
from dealthread.simulators.salesforce.store import Store


class Automation:
    """Dispatches a save to the rules of its object, in the order they were added."""

    def __init__(self, store: Store, config: SalesforceConfig) -> None:
        self._store = store
        self._writer: Writer | None = None
        self._rules: dict[str, list[Rules]] = {}
        for name, rules in _standard_rules(config).items():
            self.add(name, *rules)
        self._announcing = [
            (TRIGGER_OBJECTS[trigger], OutboxRules(trigger, TRIGGER_OBJECTS[trigger]))
            for trigger in dict.fromkeys(config.announce)
        ]
        for name, rule in self._announcing:
            self.add(name, rule)

    def attach(self, writer: Writer) -> None:
        """Say who saves the rows that rules make."""
        self._writer = writer

    def add(self, name: str, *rules: Rules) -> None:
        """Add rules of an object; they run after those that are there."""
        self._rules.setdefault(name, []).extend(rules)

    def tell_outbox(self, listener: Listener) -> None:
        """Call this with the id of each new outbox row."""
        for _, rule in self._announcing:
            rule.listener = listener

    def before_save(self, sobject: SObject, row: Row, old: Row | None, now: str) -> None:
        """Derive values and refuse what the rules refuse; `row` is changed in place."""
        for rules, save in self._each(sobject, row, old, now):
            rules.before_save(save)

    def after_save(self, sobject: SObject, row: Row, old: Row | None, now: str) -> None:
        """Change other rows: roll-ups, copies, announcements."""
        for rules, save in self._each(sobject, row, old, now):
            rules.after_save(save)

    def before_delete(self, sobject: SObject, row: Row) -> None:
        """Refuse what must not go."""
        for rules, save in self._each(sobject, row, row, str(row["SystemModstamp"])):
            rules.before_delete(save)

    def after_delete(self, sobject: SObject, row: Row, now: str) -> None:
        """Change other rows."""
        for rules, save in self._each(sobject, row, row, now):
            rules.after_delete(save)

    def _each(
        self, sobject: SObject, row: Row, old: Row | None, now: str
    ) -> Iterator[tuple[Rules, Save]]:
        if self._writer is None:
            raise RuntimeError("nobody saves the rows that rules make")
        save = Save(self._store, self._writer, now, row, old)
        for rules in self._rules.get(sobject.name, ()):
            yield rules, save


def _standard_rules(config: SalesforceConfig) -> Mapping[str, tuple[Rules, ...]]:
    sync = QuoteSync()
    return {
        "Account": (AccountRules(),),
        "Contact": (NameRules(),),
        "User": (NameRules(),),
        "Asset": (AssetRules(),),
        "Product2": (ProductRules(),),
        "PricebookEntry": (EntryRules(),),
        "Opportunity": (OpportunityRules(), sync.opportunity),
        "OpportunityLineItem": (OpportunityLineRules(), sync.opportunity_line),
        "Quote": (QuoteRules(),),
        "QuoteLineItem": (QuoteLineRules(), sync.quote_line),
        "Contract": (ContractRules(calculates_end=not config.cpq),),
        "Order": (OrderRules(),),
        "OrderItem": (OrderItemRules(allows_negative=config.cpq),),
    }
