"""Tables for people: printed as they come, and kept between the markers of docs/performance.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
BEGIN = "<!-- figures of make bench: begin -->"
END = "<!-- figures of make bench: end -->"


@dataclass
class Report:
    """Markdown, section after section."""

    parts: list[str] = field(default_factory=list)

    def section(self, title: str, *notes: str) -> None:
        """A heading and what is to be known before its tables."""
        self._tell(f"## {title}")
        for note in notes:
            self._tell(note)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Columns as wide as their widest cell; numbers to the right."""
        cells = [[str(cell) for cell in row] for row in rows]
        widths = [max(len(row[at]) for row in [list(head), *cells]) for at in range(len(head))]
        lines = [
            _line([name.ljust(width) for name, width in zip(head, widths, strict=True)]),
            _line(
                ["-" * width if at == 0 else "-" * (width - 1) + ":" for at, width in _at(widths)]
            ),
        ]
        for row in cells:
            padded = [
                cell.ljust(width) if at == 0 else cell.rjust(width)
                for (at, width), cell in zip(_at(widths), row, strict=True)
            ]
            lines.append(_line(padded))
        self._tell("\n".join(lines))

    def keep(self) -> None:
        """Replace what stands between the markers. Raises ValueError when they are missing."""
        head, _, tail = _split()
        figures = "\n\n".join([BEGIN, *self.parts, END])
        DOCUMENT.write_text(head + figures + tail, encoding="utf-8")

    def keep_sections(self) -> None:
        """Replace the sections that were measured, or add them; the others stay as they are."""
        head, figures, tail = _split()
        kept = _by_heading(figures)
        kept.update(_by_heading("\n\n".join(self.parts)))
        text = "\n\n".join([BEGIN, *kept.values(), END])
        DOCUMENT.write_text(head + text + tail, encoding="utf-8")

    def _tell(self, text: str) -> None:
        print(text + "\n", flush=True)
        self.parts.append(text)


def _split() -> tuple[str, str, str]:
    """What stands before, between and after the markers."""
    text = DOCUMENT.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    figures, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{DOCUMENT} has lost its markers")
    return head, figures, tail


def _by_heading(text: str) -> dict[str, str]:
    """Sections by their heading, in their order."""
    pieces = [piece.strip() for piece in text.split("\n## ")]
    sections = [piece.removeprefix("## ") for piece in pieces if piece]
    return {section.partition("\n")[0]: f"## {section}" for section in sections}


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _at(widths: Sequence[int]) -> list[tuple[int, int]]:
    return list(enumerate(widths))
