"""The company that is pictured: a head office in Bangkok and three branches, what they keep and sell.

The DocTypes are those of the demo (tests/apps/streamed_shop); names and figures are made up.
"""

from sandbox.demo.company import (
	COMPANY,
	CONTACT,
	CUSTOMER,
	INVOICE,
	ITEM,
	ORDER,
	PAYMENT,
	UNIT,
)

OFFICE = "head-office"
# name of the site -> its company, that company's abbreviation
BRANCHES = {
	"chiang-mai": ("Baan Coffee Chiang Mai", "CM"),
	"khon-kaen": ("Baan Coffee Khon Kaen", "KK"),
	"phuket": ("Baan Coffee Phuket", "PK"),
}
CHIANG_MAI, KHON_KAEN, PHUKET = BRANCHES
DOMAIN = "example.com"

# who works where; everybody has an account on every site
PEOPLE = {
	OFFICE: ("malee@example.com", "Malee Srisuk"),
	CHIANG_MAI: ("somchai@example.com", "Somchai Jaidee"),
	KHON_KAEN: ("ploy@example.com", "Ploy Rattana"),
	PHUKET: ("anan@example.com", "Anan Wongsa"),
}
# code, name, unit, price
ITEMS = (
	("BEANS-1KG", "Doi Chang Beans 1 kg", "Kg", 480),
	("BEANS-250", "Doi Chang Beans 250 g", "Nos", 145),
	("DRIP-BOX", "Drip Bags, Box of 10", "Box", 190),
	("FILTER-V60", "Paper Filters V60", "Box", 120),
	("MILK-1L", "Fresh Milk 1 l", "Litre", 52),
	("MUG-BLUE", "Mug, Celadon Blue", "Nos", 260),
	("SUGAR-1KG", "Cane Sugar 1 kg", "Kg", 38),
)
CUSTOMERS = (
	"Doi Suthep Café",
	"Nimman Bakery",
	"Riverside Guesthouse",
	"Isan Book House",
	"Andaman Dive Shop",
	"Old Town Hostel",
	"Lotus Yoga Studio",
)
SALES = {"chiang-mai": 34, "khon-kaen": 22, "phuket": 16}

TO_BRANCHES = [
	{"ref_doctype": UNIT, "use_same_name": 1, "match_by": "name", "copy_existing": 1},
	{"ref_doctype": ITEM, "use_same_name": 1, "copy_existing": 1, "conflict_policy": "Ask"},
	{"ref_doctype": CUSTOMER, "use_same_name": 1, "copy_existing": 1},
	{"ref_doctype": CONTACT, "use_same_name": 1},
]
TO_OFFICE = [
	{"ref_doctype": ORDER, "use_same_name": 1},
	{"ref_doctype": INVOICE, "use_same_name": 0, "condition": "doc.docstatus == 1"},
	{"ref_doctype": PAYMENT, "use_same_name": 0, "condition": "doc.docstatus == 1"},
]
OFFICE_HAS = [
	{"doctype": COMPANY, "company_name": "Baan Coffee", "abbr": "BC"},
	*(
		{"doctype": ITEM, "item_code": code, "item_name": name, "unit": unit, "rate": rate}
		for code, name, unit, rate in ITEMS
	),
	*(
		{
			"doctype": CUSTOMER,
			"customer_name": name,
			"tax_id": f"010555{number:07}",
			"mobile_no": f"08123456{number:02}",
		}
		for number, name in enumerate(CUSTOMERS, start=31)
	),
]

# what the shop's words are in Thai: it is no app of anybody's and has no translations; and Frappe's own, which the sandbox lacks
THAI = {
	"Shop Item": "สินค้า",
	"Shop Unit": "หน่วยนับ",
	"Shop Customer": "ลูกค้า",
	"Shop Contact": "ผู้ติดต่อ",
	"Shop Order": "ใบสั่งขาย",
	"Shop Invoice": "ใบแจ้งหนี้",
	"Shop Payment": "การรับชำระเงิน",
	"Item Code": "รหัสสินค้า",
	"Item Name": "ชื่อสินค้า",
	"Rate": "ราคา",
	"Barcode": "บาร์โค้ด",
	"Unit": "หน่วย",
	"Search": "ค้นหา",
	"Notification": "การแจ้งเตือน",
	"Collapse": "ย่อ",
	"Assign": "มอบหมาย",
	"Attachments": "ไฟล์แนบ",
	"Tags": "แท็ก",
	"Share": "แบ่งปัน",
	"Last Edited by": "แก้ไขล่าสุดโดย",
	"Created By": "สร้างโดย",
	"Refresh": "รีเฟรช",
}
