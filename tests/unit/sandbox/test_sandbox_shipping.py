"""What of a function reaches a site, and what is refused before it is sent."""

import ast
import json
import textwrap

import pytest

from sandbox.errors import SandboxError
from sandbox.sites.shipping import describe_function

GREETING = "Hello"
MARKS = ("!", "?")
SOMETHING_ELSE = object()


def greet(name):
	return f"{GREETING}, {name}{MARKS[0]}"


def greet_all(names):
	return [greet(name) for name in names]


def dedented(text):
	return textwrap.dedent(json.dumps(text))


def uses_an_object():
	return SOMETHING_ELSE


def arrived(function):
	"""What the site makes of the message."""
	message = describe_function(function)
	names = {name: ast.literal_eval(text) for name, text in message["constants"].items()}
	for name, (module, *_attribute) in message["imports"].items():
		names[name] = __import__(module)
	exec(message["source"], names)
	return names[message["name"]]


def test_a_function_brings_the_functions_and_constants_that_it_uses():
	assert arrived(greet_all)(["you", "me"]) == ["Hello, you!", "Hello, me!"]


def test_imported_modules_are_imported_over_there():
	message = describe_function(dedented)

	assert message["imports"] == {"json": ["json"], "textwrap": ["textwrap"]}
	assert arrived(dedented)("a") == '"a"'


def test_a_dotted_path_is_sent_as_it_is():
	assert describe_function("frappe.ping") == {"path": "frappe.ping"}


def test_a_function_inside_another_is_sent_without_what_is_around_it():
	def inner(count):
		return count + 1

	assert arrived(inner)(1) == 2
	outer = 3

	def uses_outer():
		return outer

	with pytest.raises(SandboxError, match="uses outer of the function around it"):
		describe_function(uses_outer)


def test_what_has_no_source_is_refused_by_its_name():
	with pytest.raises(SandboxError, match="uses SOMETHING_ELSE, a object"):
		describe_function(uses_an_object)


def test_a_lambda_is_refused():
	with pytest.raises(SandboxError, match="made with `def`"):
		describe_function(lambda: 1)
