"""What takes effect together: groups of events, savepoints, lost transactions, what is undone with an event.

Knows neither documents nor what applying is: it is told. The only room besides the loops above it that commits.

A *group* of events is one transaction (`groups`), its rows are kept until its end (`group_log`). Each event of it stands in
a savepoint of its own (`savepoint`). What is known only if the event takes effect is staged with it (`event_scope`): its
identities, what the other events may link to, files that it has written; what its life cycle has left to do after the commit
is withdrawn (`after_commit`), and what can be asked once for the whole group is (`one_request`). `lost_transaction` sees who ends the transaction.

| what happens | event ends well | event fails | at the group's end |
| --- | --- | --- | --- |
| nothing special | staged is true; its row is kept | back to its savepoint; staged never was; its row says why | rows and mark are written, commit |
| it links to what can't be had, and is another document by now | - | back to its savepoint; staged never was; it is applied once more, as it is now | as if nothing |
| a hook commits | the same; rows of the events before it were written before that commit, the group's savepoint anew behind it | all since that commit is rolled back, the group begins anew behind it; what the hook committed stays | the rest is written, commit |
| a hook rolls back | TransactionLost | TransactionLost | - |
| a hook commits, then rolls back | TransactionLost | rolled back, the group begins anew; what was committed stays | the rest is written, commit |
| a hook rolls back to a savepoint of its own | what was written before the event's end but has gone with it is found: TransactionLost; else as if nothing | back to its savepoint | as if nothing |
| the event's savepoint is gone | not seen yet | TransactionLost | the group's savepoint is gone, too: TransactionLost |
| deadlock, lock time-out, connection lost | TransactionLost | TransactionLost | TransactionLost |
| the process dies | nothing of the group is in, but for what a hook has committed: that has its rows | | |

*TransactionLost* (or the database's own error for it) leaves the group: all is rolled back, what was kept or staged never
was, and the events are looked up anew and applied one by one, each three times at most; then one is given up: its row says
why, and it waits for its retry.
"""
