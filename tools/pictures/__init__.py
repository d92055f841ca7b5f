"""`make screenshots`: the pictures of README and docs, made anew from sites that are brought up for it.

`scene` brings up a head office and its branches and lets them work; `shots` says what each picture shows and what it is made
of; `camera` takes them; `stage` and `film` put two Desks side by side. `manifest` keeps the digests by which a test sees that
a form has changed and its picture has not. Nothing of this is in the installed app.
"""
