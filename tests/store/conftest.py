"""The shared database, for the tests of the store."""

from __future__ import annotations

from tests.store.shared import shared_engine as shared_engine
from tests.store.shared import shared_url as shared_url
from tests.store.shared import store as store
