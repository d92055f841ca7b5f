"""One connection as a person looks after it, and all of them as a map: for the page of the Desk, REST and the terminal.

It puts together what the rooms of both sides know, in a bounded number of queries. Only `schema` asks another site; only
`acting` changes anything, and each of its changes stands in the audit log.
"""
