"""Within how many seconds those who are told at once are to ask, each at a moment of its own. Pure.

A handful asks at once. Of more, about so many a second ask as web workers can answer; nobody is to wait long for a change.
"""

HANDFUL = 20
IN_A_SECOND = 100
MOST_SECONDS = 10.0


def seconds_for(told: int) -> float:
	"""For so many who are told the same; 0 is at once."""
	return 0.0 if told <= HANDFUL else min(told / IN_A_SECOND, MOST_SECONDS)
