"""hledger, the second reader of the books: a package of Debian, used where it is installed."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path

HLEDGER = shutil.which("hledger") or ""
MISSING = "hledger is not installed; to mend it, as root: apt-get install hledger"


async def judge(text: str, folder: Path) -> str:
    """What it finds wrong with a journal file; "" for nothing."""
    file = folder / "books.journal"
    file.write_text(text, encoding="utf-8")
    command = [HLEDGER, "check", "--strict", "-f", str(file)]
    answer = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=False
    )
    return answer.stderr or str(answer.returncode or "")
