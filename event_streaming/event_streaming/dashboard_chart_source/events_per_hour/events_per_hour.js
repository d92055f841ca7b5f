// Where the chart of this name has its data from.

frappe.provide("frappe.dashboards.chart_sources");

frappe.dashboards.chart_sources["Events per Hour"] = {
	method: "event_streaming.admin.charts.events_per_hour",
	filters: [],
};
