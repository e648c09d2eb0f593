"""Finance's configuration: `config/` read, checked as one, and watched.

Commands: `dealthread config check` prints what `check_config` finds.
"""

from __future__ import annotations

from dealthread.configuration.problem import ConfigInvalid, ConfigProblem
from dealthread.configuration.source import ConfigSource, check_config, load_config

__all__ = ["ConfigInvalid", "ConfigProblem", "ConfigSource", "check_config", "load_config"]
