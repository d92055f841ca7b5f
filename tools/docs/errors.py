"""The catalogue of messages with codes: `python -m tools.docs.errors` says what is wrong with it, `--mend` gives codes and writes pages.

Three kinds of files, each for one thing: `event_streaming/messages/codes.json` has the code of each English message, `retired.json`
beside it those whose message is gone, `tools/docs/remedies.*.txt` has a line for each code. docs/errors*.md are made of these.

A code is never given to another message. A message that is worded anew keeps its code: `--mend` finds the one that it is most like.
"""

import ast
import csv
import json
import re
import sys
from difflib import SequenceMatcher
from pathlib import Path

from tools.docs.messages import APP, PROJECT, all_said, messages

CODES = APP / "messages" / "codes.json"
RETIRED = APP / "messages" / "retired.json"
REMEDIES = {language: Path(__file__).parent / f"remedies.{language}.txt" for language in ("en", "th")}
PAGES = {"en": PROJECT / "docs" / "errors.md", "th": PROJECT / "docs" / "errors.th.md"}
# so much alike are two wordings of one message
ALIKE = 0.6
# first digit of a code -> where its messages come from (the first that fits), and what they are about
AREAS = {
	2: (
		("admin/pairing/", "producer/inviting/", "consumer/joining/"),
		"Inviting and joining",
		"เชิญและเข้าร่วม",
	),
	5: (
		(
			"consumer/mapping/validation",
			"consumer/mapping/preview",
			"consumer/matching/",
			"event_streaming/doctype/document_type",
			"producer/subscriptions/conditions",
			"producer/registration/hidden_fields",
		),
		"Mapping, conditions, fields that are not sent",
		"การจับคู่ เงื่อนไข และฟิลด์ที่ไม่ส่ง",
	),
	7: (
		("admin/doctor/", "admin/alerts", "admin/headlines", "admin/status", "admin/daily/"),
		"What the doctor and alerts find",
		"สิ่งที่ doctor และการเตือนพบ",
	),
	8: (("admin/tracing/",), "Why a document is not on the other site", "เหตุใดเอกสารไม่อยู่บนอีกไซต์"),
	6: (
		(
			"consumer/checking/",
			"consumer/first_copy/",
			"consumer/verify/",
			"consumer/long_work/",
			"consumer/logs/task",
			"producer/documents/comparing",
			"producer/documents/copying",
			"producer/documents/filters",
			"producer/documents/match_page",
		),
		"Check, first copy, verify and repair",
		"ตรวจก่อนเริ่ม คัดลอกครั้งแรก ตรวจเทียบ และซ่อม",
	),
	4: (
		(
			"adapters/",
			"admin/causes/remedies",
			"consumer/apply/",
			"consumer/dependencies/",
			"consumer/files/",
			"consumer/life_cycle/",
			"consumer/managed/",
			"consumer/mapping/",
			"consumer/unit_of_work/",
			"identity/",
			"producer/documents/files",
		),
		"Events that fail or have a warning",
		"เหตุการณ์ที่ล้มเหลวหรือมีคำเตือน",
	),
	3: (
		(
			"http/",
			"producer/feed/",
			"producer/subscriptions/reader",
			"producer/subscriptions/calling",
			"consumer/pull/loop",
			"consumer/pull/requests",
		),
		"Connection and pulling",
		"การเชื่อมต่อและการดึงข้อมูล",
	),
	1: (
		(
			"consumer/subscriptions/",
			"producer/registration/",
			"producer/subscriptions/",
			"site/",
			"admin/decisions",
			"admin/rotating",
		),
		"Setting up a connection",
		"การตั้งค่าการเชื่อมต่อ",
	),
	9: (("",), "Requests and forms", "คำขอและแบบฟอร์ม"),
}
HEADS = {
	"en": """# Error catalogue

Messages that somebody may want to look up end with a code, such as (ES-101), in every language. This page has each of them, with what to
do. Search it for the code, or go to its address directly: `errors.html#es-101` on the site, `event-streaming-guide/errors/es-101` in the
Desk. In a message, … means a name, an address or a number. A code is never given to another message.

ภาษาไทย: [errors.th.md](errors.th.md).
""",
	"th": """# รหัสข้อผิดพลาด

ข้อความที่อาจต้องค้นหาวิธีแก้จะลงท้ายด้วยรหัส เช่น (ES-101) เหมือนกันทุกภาษา หน้านี้มีทุกรหัสพร้อมวิธีแก้ ค้นหาด้วยรหัส
หรือไปที่ที่อยู่โดยตรง: `errors.html#es-101` บนเว็บไซต์เอกสาร และ `event-streaming-guide/errors/es-101` บน Desk ในข้อความ … แทนชื่อ ที่อยู่ หรือตัวเลข
รหัสหนึ่งไม่ถูกนำไปใช้กับข้อความอื่น

English: [errors.md](errors.md).
""",
}
AS_IT_SAYS = {"en": "The message says what to do.", "th": "ทำตามข้อความ"}
GONE = {"en": ("Retired codes", "No longer shown by this version."), "th": ("รหัสที่เลิกใช้", "รุ่นนี้ไม่แสดงแล้ว")}
LINE = re.compile(r"^(ES-\d{3,4}) (.+)$")
LINE_OF_CODE = re.compile(r"^(ES-\d{3,4}) ", re.M)
FRAPPES, OURS = "\nfrom frappe import _\n", "\nfrom event_streaming.messages.coded import _\n"


def read(file: Path) -> dict[str, str]:
	"""code -> message."""
	return json.loads(file.read_text(encoding="utf-8"))


def written(codes: dict[str, str]) -> str:
	"""One line for each, so that branches merge."""
	return json.dumps(dict(sorted(codes.items())), indent="\t", ensure_ascii=False) + "\n"


def remedies(language: str) -> dict[str, str]:
	"""code -> what to do, in Markdown; "=" is "as the message says"."""
	lines = REMEDIES[language].read_text(encoding="utf-8").splitlines()
	matches = [LINE.match(line) for line in lines if line and not line.startswith("#")]
	return {match.group(1): match.group(2) for match in matches if match}


def problems() -> list[str]:
	"""One line for all that is wrong."""
	wanted, codes, retired = messages(), read(CODES), read(RETIRED)
	found = [
		f"no code: {text}  ({', '.join(sorted(wanted[text]))})"
		for text in sorted(wanted.keys() - set(codes.values()))
	]
	found += [f"not said any more: {code} {text}" for code, text in codes.items() if text not in wanted]
	texts = list(codes.values())
	found += [f"two codes: {text}" for text in sorted(set(texts)) if texts.count(text) > 1]
	found += [f"retired and in use: {code}" for code in sorted(codes.keys() & retired)]
	found += [f"without its code, as Frappe's own _ says it: {file}" for file in by_frappes_own(codes)]
	for language in REMEDIES:
		known = remedies(language)
		found += [f"no remedy ({language}): {code} {codes[code]}" for code in sorted(codes.keys() - known)]
		found += [f"a remedy of nothing ({language}): {code}" for code in sorted(known.keys() - codes)]
		listed = LINE_OF_CODE.findall(REMEDIES[language].read_text(encoding="utf-8"))
		found += [
			f"two remedies ({language}): {code}" for code in sorted(set(listed)) if listed.count(code) > 1
		]
	return found


def by_frappes_own(codes: dict[str, str]) -> list[str]:
	"""Modules that say a message with a code by Frappe's `_`, which does not add it."""
	found = []
	for file in sorted(APP.rglob("*.py")):
		source = file.read_text(encoding="utf-8")
		if FRAPPES in source and APP / "messages" not in file.parents:
			if set(all_said(ast.parse(source))) & set(codes.values()):
				found.append(str(file.relative_to(PROJECT)))
	return found


def area_of(files: set[str]) -> int:
	"""The first digit of the code of a message that these files say."""
	first = min(files)
	return next(number for number, (places, _en, _th) in AREAS.items() if first.startswith(places))


def mended(
	wanted: dict[str, set[str]], codes: dict[str, str], retired: dict[str, str]
) -> tuple[dict, dict, list[str]]:
	"""Codes and retired ones as they should be, and what has been done: a changed message keeps its code, a new one gets the next."""
	codes, retired, done = dict(codes), dict(retired), []
	lost = {code for code, text in codes.items() if text not in wanted}
	new = sorted(wanted.keys() - set(codes.values()), key=lambda text: (min(wanted[text]), text))
	pairs = sorted(((alike(codes[code], text), code, text) for code in lost for text in new), reverse=True)
	for share, code, text in pairs:
		if share >= ALIKE and code in lost and text in new:
			done.append(f"{code}: {codes[code]!r} is now {text!r}")
			codes[code] = text
			lost.remove(code)
			new.remove(text)
	for code in sorted(lost):
		retired[code] = codes.pop(code)
		done.append(f"{code} retired: {retired[code]!r}")
	for text in new:
		area = area_of(wanted[text])
		code = next(
			code
			for code in (f"ES-{area}{number:02d}" for number in range(1, 1000))
			if code not in codes and code not in retired
		)
		codes[code] = text
		done.append(f"{code}: {text!r}")
	return codes, retired, done


def alike(one: str, other: str) -> float:
	return SequenceMatcher(None, one.lower().split(), other.lower().split(), autojunk=False).ratio()


def page(language: str) -> str:
	"""The catalogue as a page."""
	codes, retired, known = read(CODES), read(RETIRED), remedies(language)
	words = thai() if language == "th" else {}
	lines = [HEADS[language]]
	for number in sorted(AREAS):
		lines += [f"## {AREAS[number][1 if language == 'en' else 2]}", ""]
		for code in sorted(each for each in codes if each.startswith(f"ES-{number}")):
			lines += [f"### {code}", "", f"> {shown(words.get(codes[code], codes[code]))}", ""]
			lines += [AS_IT_SAYS[language] if known[code] == "=" else known[code], ""]
	if retired:
		lines += [f"## {GONE[language][0]}", "", GONE[language][1], ""]
		lines += [f"- {code}: {shown(retired[code])}" for code in sorted(retired)]
	return "\n".join(lines).rstrip() + "\n"


def thai() -> dict[str, str]:
	with (APP / "translations" / "th.csv").open(encoding="utf-8", newline="") as opened:
		return {row[0]: row[1] for row in csv.reader(opened) if len(row) > 1}


def shown(message: str) -> str:
	"""A message for reading: … for what is put into it, and nothing that Markdown would take for its own."""
	text = re.sub(r"\{\w*\}", "…", " ".join(message.split()))
	return re.sub(r"([*_<>|`\[\]#])", r"\\\1", text)


def main() -> int:
	if "--mend" in sys.argv:
		codes, retired, done = mended(messages(), read(CODES), read(RETIRED))
		CODES.write_text(written(codes), encoding="utf-8")
		RETIRED.write_text(written(retired), encoding="utf-8")
		for name in by_frappes_own(codes):
			file = PROJECT / name
			file.write_text(file.read_text(encoding="utf-8").replace(FRAPPES, OURS, 1), encoding="utf-8")
			done.append(f"{name}: has our _ now; ruff sorts the imports")
		print(*done, sep="\n")
	if found := problems():
		print(*found, sep="\n", file=sys.stderr)
		return 1
	for language, file in PAGES.items():
		file.write_text(page(language), encoding="utf-8")
	return 0


if __name__ == "__main__":
	sys.exit(main())
