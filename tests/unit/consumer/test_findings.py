"""What a comparison keeps of all that it has found."""

from event_streaming.consumer.tasks import findings
from event_streaming.consumer.tasks.findings import DIFFERENT, MOST_DETAILED, OPEN, Finding


def test_a_difference_is_kept_in_detail_where_others_have_filled_the_report():
	report = findings.new_report()
	for number in range(MOST_DETAILED):
		findings.add(report, Finding(OPEN, "Note", f"open {number}", "Note"))

	findings.add(report, Finding(DIFFERENT, "Note", "late", "Note"))
	findings.add(report, Finding(OPEN, "Note", "last", "Note"))

	assert len(report["findings"]) == MOST_DETAILED
	assert [each["remote_name"] for each in report["findings"] if each["kind"] == DIFFERENT] == ["late"]
	assert "last" not in [each["remote_name"] for each in report["findings"]]
	assert report["counts"][OPEN] == MOST_DETAILED + 1
