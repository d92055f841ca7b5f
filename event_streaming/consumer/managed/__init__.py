"""*Managed by Producer*: documents that came from a producer are not changed here by anybody but the Event Subscriber.

It knows the rows that say so (`rows`), which local documents are meant and what may be changed of them all the same (`owning`),
and refuses the rest, in words, before anything is written (`guard`). It writes nothing and applies no event: what is applied is not
asked about here.
"""
