"""`bench --site … event-streaming …` as a person or a script sees it: what is printed, and the exit code."""

from streams import CITY, change, insert, read_doc, subscribe, unique, with_orders


def run(site, *words: str):
	return site.command("event-streaming", *words)


def test_pull_brings_what_is_there_and_says_so(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	name = producer.run(insert, doctype=CITY, title=unique("City"))

	done = run(consumer, "pull")

	assert (done.returncode, done.stderr) == (0, "")
	assert done.stdout == f"{producer.url}: 1 events, 1 applied, 0 failed or waiting, 0 behind\n"
	assert consumer.run(read_doc, doctype=CITY, name=name)


def test_pull_tells_by_its_exit_code_what_went_wrong(producer, consumer):
	with_orders(producer, consumer)
	subscribe(consumer, producer, CITY)
	consumer.run(change, doctype="Event Producer", name=producer.url, paused=1)

	paused = run(consumer, "pull", "--producer", f"{producer.url.upper()}/")
	unknown = run(consumer, "pull", "--producer", producer.url[:-1])
	wrong = run(consumer, "pull", "--all-of-it")

	assert (paused.returncode, unknown.returncode, wrong.returncode) == (1, 1, 2)
	assert "is paused" in paused.stderr
	assert f"Did you mean {producer.url}?" in unknown.stderr
