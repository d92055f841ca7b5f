"""What the demo prints: headings, steps, the progress of the set-up, tables. It knows nothing of sites.

On a terminal there are colours and a bar; anywhere else plain lines that read well in a log.
"""

import contextlib
import textwrap
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from sandbox import progress

WIDTH = 112
MARK = "[sandbox] "


class Screen:
	"""The terminal, or whatever standard output is."""

	def __init__(self):
		self.console = Console(highlight=False)
		self.console.width = min(self.console.width, WIDTH) if self.console.is_terminal else WIDTH
		self.chapters = 0

	def title(self, title: str, *lines: str) -> None:
		self.console.print(f"\n[bold]{escape(title)}[/]")
		for line in lines:
			self.console.print(escape(line))
		self.console.print()

	def chapter(self, title: str) -> None:
		self.chapters += 1
		self.console.print(f"\n[bold]{self.chapters}. {escape(title)}[/]")

	def at(self, place: str, what: str) -> None:
		"""Something done or seen on one of the sites."""
		self._line("[cyan]→[/]", place, what)

	def seen(self, place: str, what: str) -> None:
		"""Something that was waited for, or checked, and is so."""
		self._line("[green]✓[/]", place, what)

	def failed(self, what: str) -> None:
		self.console.print(f"   [red]✗[/] {escape(what)}")

	def note(self, what: str) -> None:
		"""What a step is about, or where to look."""
		self.console.print(f"     [dim]{escape(self._wrapped(what, 5))}[/]")

	def plain(self, line: str = "") -> None:
		"""A line as it is, never wrapped: something to copy."""
		self.console.print(line, markup=False, soft_wrap=True)

	def table(self, headings: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
		table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
		for heading in headings:
			table.add_column(heading, overflow="fold")
		for row in rows:
			table.add_row(*(escape(str(cell)) for cell in row))
		self.console.print(Padding(table, (0, 0, 0, 3)))

	@contextlib.contextmanager
	def setting_up(self, steps: int) -> Iterator["SetUp"]:
		"""While this is open, the sandbox's own lines about its steps become the bar."""
		before = progress.write
		with SetUp(self.console, steps) as setting_up:
			progress.write = setting_up.take_line
			try:
				yield setting_up
			finally:
				progress.write = before

	def _line(self, mark: str, place: str, what: str) -> None:
		self.console.print(f"   {mark} [bold]{escape(f'{place:12}')}[/]{escape(self._wrapped(what, 17))}")

	def _wrapped(self, text: str, indent: int) -> str:
		"""Lines that go on below where the text began."""
		width = max(self.console.width - indent, 20)
		return f"\n{' ' * indent}".join(textwrap.wrap(text, width, break_on_hyphens=False))


class SetUp:
	"""The progress of the set-up. `steps` are those of every run; what is built only once comes on top."""

	def __init__(self, console: Console, steps: int):
		self.console = console
		self.total = steps
		self.begun = 0
		self.bar = Progress(
			SpinnerColumn(),
			BarColumn(bar_width=30),
			TextColumn("{task.description}"),
			TimeElapsedColumn(),
			console=console,
			transient=True,
			disable=not console.is_terminal,
		)
		self.task = self.bar.add_task("", total=steps)

	def __enter__(self) -> "SetUp":
		self.bar.start()
		return self

	def __exit__(self, *_error) -> None:
		self.bar.stop()

	def take_line(self, line: str) -> None:
		"""A line of `sandbox.progress`: a step begins ("MariaDB …"), or says how long it took ("MariaDB: 0.8 s")."""
		line = line.removeprefix(MARK)
		if not line.endswith(" …"):
			if not self.console.is_terminal:
				self.console.print(f"   {escape(line)}")
			return
		name = line.removesuffix(" …")
		if name.startswith(("Template", "MariaDB: ", "apt-get", "npm", "The Desk")):
			# built now, and kept for all later runs
			self.total += 1
			self.console.print(f"   {escape(name)} (only this once) …")
		self.bar.update(self.task, description=escape(name), completed=self.begun, total=self.total)
		self.begun += 1
