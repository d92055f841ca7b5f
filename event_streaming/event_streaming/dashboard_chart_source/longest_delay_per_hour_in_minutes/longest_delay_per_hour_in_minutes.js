// Where the chart of this name has its data from.

frappe.provide("frappe.dashboards.chart_sources");

frappe.dashboards.chart_sources["Longest Delay per Hour in Minutes"] = {
	method: "event_streaming.admin.charts.longest_delay_per_hour",
	filters: [],
};
