// What the Desk gives to every script. Frappe has no types of its own: these say that the names exist.

declare const $: any;
declare const __: (text: string, values?: any[], context?: string) => string;
declare const cint: (value: any) => number;
declare const cstr: (value: any) => string;
declare const cur_dialog: any;
declare const cur_frm: any;
declare const cur_list: any;
declare const flt: (value: any, precision?: number) => number;
declare const frappe: any;
declare const locals: any;
declare const moment: any;
// our own, made by frappe.provide
declare let event_streaming: any;
interface Window {
	[name: string]: any;
}
