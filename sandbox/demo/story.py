"""What happens between the head office and the branch, in chapters. Everything is done over REST.

Documents are made on one site and looked for on the other; nothing here makes a site pull. They come because the
one site's job notifies the other, whose job then pulls.
"""

from sandbox.demo.disagreement import both_change_the_same_price
from sandbox.demo.masters import first_copy, hand_shake, new_customer, one_item
from sandbox.demo.orders import order_becomes_goods_receipt, updated_order
from sandbox.demo.sales import sales_go_to_the_head_office
from sandbox.demo.screen import Screen
from sandbox.demo.sites import Sites

CHAPTERS = (
	hand_shake,
	first_copy,
	new_customer,
	one_item,
	order_becomes_goods_receipt,
	updated_order,
	sales_go_to_the_head_office,
	both_change_the_same_price,
)


def tell(sites: Sites, screen: Screen) -> None:
	"""All chapters of the story, in their order."""
	for chapter in CHAPTERS:
		chapter(sites, screen)
