"""Which events of one document are applied as one, and the event that they make together.

A draft, its changes and its submission are one whole document that is submitted; changes that follow one another are one change. It
applies and writes nothing. `runs` is pure; `steps_needed` knows who on this site wants each step. Where the events stand in the page, and
what stands between them, is decided in `workers/units.py`; what becomes of one that can't be applied, in `apply/step.py`.
"""
