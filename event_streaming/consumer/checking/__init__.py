"""Check before you begin: what a first copy of each row will take, and what of it will not fit, before anything is changed.

Each kind of finding is a function in a module of its own, on plain data where that can be; `checking` asks both sites and goes
through the rows as a task, `trial` applies the first documents for real and takes all of it back, `mending` does what the button of
a finding says. Nothing here changes a document of either site but `mending`, when a person asks for it.
"""
