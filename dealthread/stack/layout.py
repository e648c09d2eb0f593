"""Where the local stack keeps its state: everything under `.dealthread/`."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dealthread.stack.errors import StackError
from dealthread.stack.files import OWNER_ONLY_FOLDER

STATE_FOLDER = ".dealthread"
# A Unix socket's path holds at most 107 bytes on Linux (sun_path, unix(7)); PostgreSQL appends
# "/.s.PGSQL.5432.lock" (19) beside the socket. 80 leaves room for both.
LONGEST_SOCKET_FOLDER = 80


@dataclass(frozen=True)
class Layout:
    """Paths of one installation's state; nothing is created until `create`."""

    root: Path

    @property
    def state(self) -> Path:
        return self.root / STATE_FOLDER

    @property
    def stack_file(self) -> Path:
        return self.state / "stack.json"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def run(self) -> Path:
        """Pid files, ready files and the lock of the running supervisor."""
        return self.state / "run"

    @property
    def data(self) -> Path:
        return self.state / "data"

    @property
    def postgres_data(self) -> Path:
        return self.data / "postgres"

    @property
    def temporal_database(self) -> Path:
        return self.data / "temporal.db"

    @property
    def supervisor_lock(self) -> Path:
        return self.run / "supervisor.lock"

    @property
    def supervisor_record(self) -> Path:
        return self.run / "supervisor.json"

    @property
    def temporal_options(self) -> Path:
        """Options of the Temporal server that must not stand on its command line."""
        return self.run / "temporal-options.yaml"

    @property
    def progress(self) -> Path:
        """Lines of the present start, which `dealthread up --detach` follows."""
        return self.logs / "up.log"

    def log(self, part: str) -> Path:
        return self.logs / f"{part}.log"

    def record(self, part: str) -> Path:
        """The pid file of a part."""
        return self.run / f"{part}.part.json"

    def ready_file(self, part: str) -> Path:
        """Touched by a part that has no port, when it is ready and as a sign of life."""
        return self.run / f"{part}.ready"

    def state_file(self, part: str) -> Path:
        """Where a simulator keeps what must survive a restart."""
        return self.data / f"{part}.sqlite"

    @property
    def socket_folder(self) -> Path:
        """PostgreSQL's socket: in the state folder when its path is short enough for the kernel."""
        preferred = self.state.resolve() / "pg"
        if len(os.fsencode(preferred)) <= LONGEST_SOCKET_FOLDER:
            return preferred
        digest = hashlib.sha256(os.fsencode(preferred)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"dealthread-{os.getuid()}-{digest}"

    def is_mine(self) -> bool:
        """False when another user (root, often) made the state folder."""
        return not self.state.exists() or self.state.stat().st_uid == os.getuid()

    def create(self) -> None:
        """Make the folders, readable by nobody else."""
        self.state.mkdir(exist_ok=True)
        if not self.is_mine():
            raise StackError(
                f"{self.state} was made by another user",
                f"go on as that user, or remove it: rm -r {self.state}",
            )
        for folder in (self.logs, self.run):
            folder.mkdir(mode=OWNER_ONLY_FOLDER, exist_ok=True)
        # Not 0700: under root, PostgreSQL runs as another user and must pass through to its folder.
        self.data.mkdir(mode=0o711, exist_ok=True)


def private_folder(folder: Path, owner: int) -> None:
    """Make `folder` for `owner` alone; refuse one that somebody else prepared in a shared place."""
    folder.mkdir(mode=OWNER_ONLY_FOLDER, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.getuid(), owner):
        raise StackError(f"{folder} belongs to another user", f"remove it: rm -r {folder}")
    os.chown(folder, owner, -1)
    folder.chmod(OWNER_ONLY_FOLDER)
