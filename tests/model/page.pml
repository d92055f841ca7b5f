/*
Page, cursor and savepoint, with a kill at every point: each event takes effect once, whole, in order, and none is passed over.

Stands for: consumer/pull/loop.py, cursor.py and retry.py, consumer/apply/step.py, consumer/unit_of_work (groups.py, group_log.py,
savepoint.py), and the rows of consumer/logs/sync_log.py.

What it models
- A producer with four events, of two documents in turn: A1 B1 A2 B2. Pages of three after the cursor, groups of two.
- The consumer's database: each document (the last event that took effect, and whether an event has only begun to write it), a row
  of Event Sync Log for each event, the cursor. An open transaction is a second copy of all that; commit and rollback copy it one
  way or the other. Rows of a group are kept in memory until the group's end, or until somebody else commits.
- An event writes its document twice: it begins, and it is whole. In between a hook of this site may commit; the event may fail
  (back to its savepoint, a row Retrying, later ones of its document Waiting); the database may give up the whole transaction, seen
  at once (the group is taken back, the events are tried one by one) and at the second time the event is given up until its retry.
- Each pull first tries again what waits, a document after the other, its events in order, one commit for each document.
- The process dies before any statement: what is in memory and what is not committed is gone. The next pull begins anew.

What must hold
- In whatever is committed: no event up to the cursor is without a row; a row says Synced exactly if the event has taken effect;
  nothing has taken effect twice; no document is half written, unless a hook has committed in the middle.
- An event takes effect only after all earlier ones of its document.
- At the end (liveness: it comes) everything has taken effect.

Simpler than the code: one document is one number, so that nothing is said of fields; the answer of the feed that is lost is a
process that dies before it applies; a failing event heals (Failed, which waits for a person, is left out); no two pulls at once
(lanes.pml, wakeup.pml).

Bounds: 4 events, 2 kills, 2 failures, 2 transactions given up, 1 commit by a hook.

Bugs that can be put back
- BUG_CURSOR_FIRST: the cursor of a group is committed before its documents.
- BUG_NO_SAVEPOINT: what a failing event has begun stays.
- BUG_NOT_HELD_BACK: an event is applied though an earlier one of its document waits.
- BUG_HOOK_WITHOUT_ROWS: a hook's commit takes along documents of earlier events, and not their rows.
- BUG_ROWS_NOT_LOOKED_AT: an event is applied though Event Sync Log has it.
*/

#define EVENTS 4
#define PAGE 3
#define GROUP 2
#define DOCUMENTS 2
#define DOCUMENT(e) (((e) - 1) % DOCUMENTS)

/* rows of Event Sync Log */
#define NONE 0
#define SYNCED 1
#define RETRYING 2
#define WAITING 3
#define IS_OPEN(row) ((row) >= RETRYING)

typedef Database {
	byte row[EVENTS + 1];
	byte last[DOCUMENTS];
	bool half[DOCUMENTS];
	byte effects[EVENTS + 1];
	byte cursor
};

Database stored; /* what is committed */
Database open; /* as the open transaction sees it */
byte half_by_hook[DOCUMENTS]; /* for the property: a hook has committed in the middle of an event of it */

byte kills = 2;
byte failures = 2;
byte giving_up = 2;
byte hook_commits = 1;
bool killed;
bool finished;

inline copy(from, to) {
	to.row[1] = from.row[1];
	to.row[2] = from.row[2];
	to.row[3] = from.row[3];
	to.row[4] = from.row[4];
	to.last[0] = from.last[0];
	to.last[1] = from.last[1];
	to.half[0] = from.half[0];
	to.half[1] = from.half[1];
	to.effects[1] = from.effects[1];
	to.effects[2] = from.effects[2];
	to.effects[3] = from.effects[3];
	to.effects[4] = from.effects[4];
	to.cursor = from.cursor
}

#define RIGHT_ROW(e) ((stored.row[e] == SYNCED) == (stored.effects[e] == 1) && stored.effects[e] <= 1)
#define SEEN(e) (stored.cursor < e || stored.row[e] != NONE)

/* one step of its caller: what is true of everything that is committed */
inline commit() {
	copy(open, stored);
	assert(SEEN(1) && SEEN(2) && SEEN(3) && SEEN(4));
	assert(RIGHT_ROW(1) && RIGHT_ROW(2) && RIGHT_ROW(3) && RIGHT_ROW(4));
	assert(!stored.half[0] || half_by_hook[0]);
	assert(!stored.half[1] || half_by_hook[1])
}

inline rollback() {
	copy(stored, open)
}

/* the rows of the group that are kept in memory */
inline write_rows() {
	i = 1;
	do
	:: i > EVENTS -> break
	:: else ->
		if
		:: kept[i] != NONE -> open.row[i] = kept[i]; kept[i] = NONE
		:: else
		fi;
		i++
	od;
	i = 0
}

inline forget_rows() {
	kept[1] = NONE;
	kept[2] = NONE;
	kept[3] = NONE;
	kept[4] = NONE
}

/* attempt(): afterwards `outcome` is Synced, Retrying, or NONE when the transaction is lost */
inline attempt(e) {
	d_step {
		/* savepoint */
		half_before = open.half[DOCUMENT(e)];
		begun_anew = false;
		/* only after all earlier ones of its document */
		assert(e <= DOCUMENTS || open.effects[e - DOCUMENTS] == 1)
	};
	open.half[DOCUMENT(e)] = true;
	if
	:: d_step {
			hook_commits > 0 -> hook_commits--; /* a hook of this site commits */
			half_by_hook[DOCUMENT(e)] = true;
#ifndef BUG_HOOK_WITHOUT_ROWS
			write_rows();
#endif
			commit();
			begun_anew = true
		}
	:: skip
	fi;
	if
	:: d_step {
			failures > 0 -> failures--;
			if
			:: begun_anew -> rollback(); forget_rows() /* all that is open is this event's */
			:: else ->
#ifndef BUG_NO_SAVEPOINT
				open.half[DOCUMENT(e)] = half_before
#else
				skip
#endif
			fi;
			outcome = RETRYING
		}
	:: d_step { giving_up > 0 -> giving_up--; rollback(); forget_rows(); outcome = NONE } /* a deadlock */
	:: d_step {
			open.last[DOCUMENT(e)] = e;
			open.half[DOCUMENT(e)] = false;
			open.effects[e]++;
			outcome = SYNCED
		}
	fi
}

/* apply/page.py: what is known by its row, and whose document has a row that is open */
inline prepare() {
	d_step {
#ifndef BUG_ROWS_NOT_LOOKED_AT
		known[1] = (open.row[1] != NONE);
		known[2] = (open.row[2] != NONE);
		known[3] = (open.row[3] != NONE);
		known[4] = (open.row[4] != NONE);
#endif
		held_back[0] = (IS_OPEN(open.row[1]) || IS_OPEN(open.row[3]));
		held_back[1] = (IS_OPEN(open.row[2]) || IS_OPEN(open.row[4]))
	}
}

/* apply/step.py, deal_with */
inline deal_with(e) {
	if
	:: known[e] -> outcome = SYNCED
#ifndef BUG_NOT_HELD_BACK
	:: !known[e] && held_back[DOCUMENT(e)] -> kept[e] = WAITING; outcome = WAITING
	:: !known[e] && !held_back[DOCUMENT(e)] ->
#else
	:: !known[e] ->
#endif
		attempt(e);
		d_step {
			if
			:: outcome == RETRYING -> kept[e] = RETRYING; held_back[DOCUMENT(e)] = true
			:: outcome == SYNCED -> kept[e] = SYNCED
			:: else
			fi
		}
	fi
}

inline commit_group(upto) {
#ifdef BUG_CURSOR_FIRST
	d_step { write_rows(); commit() }
#else
	d_step { write_rows(); open.cursor = upto };
	d_step { commit() }
#endif
}

/* pull/retry.py: one document, its events in order, one commit */
inline retry_document(first) {
	e = first;
	do
	:: e > EVENTS -> break
	:: e <= EVENTS && !IS_OPEN(open.row[e]) -> e = e + DOCUMENTS
	:: e <= EVENTS && IS_OPEN(open.row[e]) ->
		attempt(e);
		if
		:: outcome == SYNCED -> open.row[e] = SYNCED; e = e + DOCUMENTS
		:: outcome == RETRYING -> open.row[e] = RETRYING; break
		:: outcome == NONE -> break /* put off: all is taken back */
		fi
	od;
	e = 0;
	d_step { commit() }
}

inline pull() {
	if
	:: IS_OPEN(open.row[1]) || IS_OPEN(open.row[3]) -> retry_document(1)
	:: else
	fi;
	if
	:: IS_OPEN(open.row[2]) || IS_OPEN(open.row[4]) -> retry_document(2)
	:: else
	fi;
	/* page after page */
	do
	:: open.cursor == EVENTS -> break
	:: else ->
		end = (open.cursor + PAGE > EVENTS -> EVENTS : open.cursor + PAGE);
		e = open.cursor + 1;
		prepare();
		most = GROUP;
		do
		:: e > end -> break
		:: else ->
			/* a group */
			size = 0;
			lost = false;
#ifdef BUG_CURSOR_FIRST
			d_step { open.cursor = (e + GROUP - 1 > end -> end : e + GROUP - 1); commit() };
#endif
			do
			:: size == most || e > end -> break
			:: else ->
				deal_with(e);
				if
				:: outcome == NONE && most > 1 -> /* look things up anew and go on with one */
					e = e - size;
					most = 1;
					lost = true;
					prepare();
					break
				:: outcome == NONE && most == 1 -> /* again and again: it is given up until its retry */
					prepare();
					kept[e] = RETRYING;
					held_back[DOCUMENT(e)] = true
				:: else
				fi;
				e++;
				size++
			od;
			if
			:: lost -> lost = false
			:: else -> commit_group(e - 1); most = GROUP
			fi
		od
	od
}

active proctype Consumer() {
	byte kept[EVENTS + 1];
	bool known[EVENTS + 1];
	bool held_back[DOCUMENTS];
	byte e, i, end, size, most, outcome;
	bool half_before, begun_anew, lost;
	do
	:: stored.cursor == EVENTS && !IS_OPEN(stored.row[1]) && !IS_OPEN(stored.row[2]) && !IS_OPEN(stored.row[3]) &&
			!IS_OPEN(stored.row[4]) -> break
	:: else ->
		{
			pull()
		} unless {
			/* the process dies: its memory and its transaction are gone */
			d_step {
				killed -> killed = false;
				rollback();
				forget_rows();
				e = 0;
				end = 0;
				size = 0;
				most = 0;
				outcome = NONE;
				half_before = false;
				begun_anew = false;
				lost = false
			}
		}
	od;
	assert(stored.effects[1] == 1 && stored.effects[2] == 1 && stored.effects[3] == 1 && stored.effects[4] == 1);
	assert(stored.last[0] == 3 && stored.last[1] == 4);
	assert(!stored.half[0] && !stored.half[1]);
	finished = true
}

active proctype Killer() {
	do
	:: atomic { kills > 0 && !killed && !finished -> kills--; killed = true }
	:: kills == 0 || finished -> break
	od
}

ltl everything_takes_effect { <> finished }
