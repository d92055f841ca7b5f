"""What the tests of the Desk look at: two sites between which documents went over, and one that could not."""

from dataclasses import dataclass

from doctypes import CITY, ORDER, with_orders
from documents import change, delete, insert, unique
from streams import pull, subscribe

from sandbox.sites.site import Site


@dataclass
class Streams:
	producer: Site
	consumer: Site
	event_producer: str
	taken: str
	mapping: str
	value_map: str


def make_streams(producer: Site, consumer: Site) -> Streams:
	"""An order with its city, changed once; a city that came and went; one whose name is taken; a mapping and a value map."""
	with_orders(producer, consumer)
	producer.run(count_beyond, doctype=ORDER, names=consumer.run(names_of, doctype=ORDER))
	event_producer = subscribe(consumer, producer, ORDER, CITY)
	# a check names the first of all that are taken, and other tests leave such names too: this one sorts before them
	taken = unique("0 Taken")
	for site in (consumer, producer):
		site.run(insert, doctype=CITY, title=taken)
	city = producer.run(insert, doctype=CITY, title=unique("Bangkok"), country_name="Thailand")
	order = producer.run(
		insert, doctype=ORDER, title="Rice", city=city, total=1250.5, rows=[{"item": "Rice", "qty": 5}]
	)
	producer.run(change, doctype=ORDER, name=order, total=1300)
	producer.run(delete, doctype=CITY, name=producer.run(insert, doctype=CITY, title=unique("Gone")))
	pull(consumer, producer)
	mapping = consumer.run(make_mapping, name=unique("Cities as notes"))
	value_map = consumer.run(
		insert,
		doctype="Document Type Value Map",
		value_map_name=unique("Countries"),
		pairs=[{"remote_value": "Thailand", "local_value": "TH"}],
	)
	return Streams(producer, consumer, event_producer, taken, mapping, value_map)


def names_of(doctype: str) -> list[str]:
	import frappe

	return frappe.get_all(doctype, pluck="name")


def count_beyond(doctype: str, names: list[str]) -> None:
	"""Documents of other tests stay on a site: the next name here is none that the other site has given itself.
	Names that a test made up are not counted, however high they sort."""
	import frappe
	from frappe.model.naming import getseries

	counted = [int(name[4:]) for name in names if name.startswith("ORD-") and name[4:].isdigit()]
	if int(getseries("", 5)) < max(counted, default=0):
		# what is counted in braces of a format has no prefix
		series = frappe.qb.DocType("Series")
		frappe.qb.update(series).set(series.current, max(counted)).where(series.name == "").run()


def make_mapping(name: str) -> str:
	import frappe

	mapping = frappe.get_doc(
		{
			"doctype": "Document Type Mapping",
			"mapping_name": name,
			"local_doctype": "Note",
			"remote_doctype": "Streamed City",
			"field_mapping": [
				{"local_fieldname": "title", "remote_fieldname": "title"},
				{
					"local_fieldname": "content",
					"remote_fieldname": "country_name",
					"default_value": "Thailand",
				},
			],
		}
	)
	return mapping.insert().name
