"""Datetime fields from the producer's system time zone to this site's: the same instant stays the same instant.

Date and Time fields name no instant and are left as they are.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import frappe
from frappe.model import table_fields
from frappe.utils import get_datetime

from event_streaming.exceptions import CannotApply
from event_streaming.messages.coded import _
from event_streaming.site.address import time_zone


def convert_times(doctype: str, data: dict, remote_time_zone: str) -> dict:
	"""Datetime fields of a document or a difference, from the producer's system time zone to this site's.

	The same instant stays the same instant; Date and Time fields are left as they are. Returns new data.

	In the hour that a change of the clocks repeats, Frappe's datetimes do not say which of the two they mean: the first is taken,
	always, and two instants an hour apart get one time here. Where two times tell whether two documents or two states of one are
	the same (`rules.same_creation`, conflicts.py, gaps.py) this can't hide a difference in practice: they have microseconds, and
	both would have to come to the same one in the same hour. Nothing that is the same ever looks different: one time always
	becomes one and the same.
	"""
	if not remote_time_zone:
		return data
	here = time_zone()
	if remote_time_zone == here:
		return data
	try:
		zones = ZoneInfo(remote_time_zone), ZoneInfo(here)
	except (ZoneInfoNotFoundError, ValueError):
		raise CannotApply(
			_("The producer's time zone {0} is not known here.").format(remote_time_zone)
		) from None

	def convert(value: Any) -> Any:
		try:
			moment = get_datetime(value)
			return (
				str(moment.replace(tzinfo=zones[0]).astimezone(zones[1]).replace(tzinfo=None))
				if moment
				else value
			)
		except (ValueError, OverflowError):
			# no moment, or one at the end of all time: that is "never" in every zone
			return value

	return convert_fields(frappe.get_meta(doctype), data, convert)


def convert_fields(meta, data: dict, convert: Callable[[Any], Any]) -> dict:
	"""`data` (a document or a difference, nested as on the wire) with `convert` applied to its Datetime fields."""
	converted = {}
	for key, value in data.items():
		df = meta.get_field(key)
		if key == "changed" and isinstance(value, dict) and not df:
			converted[key] = convert_fields(meta, value, convert)
		elif key in ("added", "row_changed") and isinstance(value, dict) and not df:
			converted[key] = {
				table: convert_rows(meta.get_field(table), rows, convert) for table, rows in value.items()
			}
		elif df and df.fieldtype in table_fields:
			converted[key] = convert_rows(df, value, convert)
		elif (
			value
			and isinstance(value, str | datetime)
			and (key in ("creation", "modified") or (df and df.fieldtype == "Datetime"))
		):
			converted[key] = convert(value)
		else:
			converted[key] = value
	return converted


def convert_rows(df, rows: Any, convert: Callable[[Any], Any]) -> Any:
	if not df or df.fieldtype not in table_fields or not isinstance(rows, list):
		return rows
	meta = frappe.get_meta(df.options)
	return [convert_fields(meta, row, convert) if isinstance(row, dict) else row for row in rows]
