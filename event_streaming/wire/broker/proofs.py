"""The tree of hashes of a lot of messages: with its own way up, each of them leads to the same root. Pure."""

from collections.abc import Sequence
from hashlib import sha256

DIGEST = 32


def leaf(body: bytes) -> bytes:
	return sha256(b"\0" + body).digest()


def node(left: bytes, right: bytes) -> bytes:
	return sha256(b"\1" + left + right).digest()


def tree_of(leaves: list[bytes]) -> list[list[bytes]]:
	"""The levels from the leaves to the root; the last of an odd number stands beside itself."""
	levels = [leaves]
	while len(levels[-1]) > 1:
		below = levels[-1]
		levels.append([node(below[at], below[min(at + 1, len(below) - 1)]) for at in range(0, len(below), 2)])
	return levels


def way_up(levels: list[list[bytes]], index: int) -> list[bytes]:
	return [level[min(index >> step ^ 1, len(level) - 1)] for step, level in enumerate(levels[:-1])]


def root_from(digest: bytes, index: int, way: Sequence[bytes]) -> bytes:
	"""Where a leaf leads to that is the one of this number."""
	for step, other in enumerate(way):
		digest = node(other, digest) if index >> step & 1 else node(digest, other)
	return digest
