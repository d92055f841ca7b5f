/*
A restore of either side, with the epoch: no event of the log as it is now is passed over, and who has what is lost is told.

Stands for: the epoch of a log. producer/log: sequence.py, epochs.py, mark.py (a file beside the database), receipts.py,
restored.py; producer/feed/page.py; consumer/pull/loop.py (go_with_the_log).

What it models
- The producer's database: events with positions and the moment at which each was numbered, the head, the epochs that it knows. Beside
  it, in no backup, the mark: epoch and head, written after the commit of a numbering by whoever has numbered; who is slow may write an
  older one over a newer, and who dies writes none.
- A numbering first looks at the mark: one that is ahead of the database, or of an epoch that it does not know, proves a restore, and
  so does one that is missing. Then a new epoch begins: up to `same_up_to` it is the old log, its positions come after `goes_on_after`.
- A consumer asks for a page with its cursor, the epoch that it knows, and the receipt that came with the last page; others
  have the log numbered. A receipt
  that the log contradicts proves a restore: what was numbered since gets new positions, in a new epoch. The page is taken some time
  after it was given.
- The administrator makes a backup of the producer at some time and restores it later, on the same machine or on another one (without
  the mark). A restore ends the processes of its site. The consumer is restored as well. Somebody asks with a cursor of which there is no proof.

What must hold
- At the end the consumer has taken every event of the producer's log as it is then.
- A new epoch begins only after a restore: not for what a request claims, and not because a process has died.
- A consumer that has events that the producer has lost is told so.

What does not hold, and is known: if a process of the producer lives on through the restore and writes its mark only then, after
others had left an older one and something new was numbered, that is passed over (KNOWN_LATE_MARK asks for it, and it is found).
Stop the site's processes before a restore.

Simpler than the code: an event that comes again is known by its id and moment, and here by a number that is never given twice; a page
has all up to the head; a numbering numbers one event; FAR and BEHIND_THE_MARK are small, and more than can be lost here; retention is left out.

Bounds: 2 events (3 with KNOWN_LATE_MARK), 1 consumer and somebody else who numbers, 1 restore of the producer, 1 of a consumer, 1 death, 1 false claim.

Bugs that can be put back
- BUG_EPOCH_IGNORED: the log goes on where the backup ends.
- BUG_CURSOR_ONLY: a restore is noticed only where a consumer's cursor is past the head.
- BUG_NO_RECEIPT: the mark alone is believed.
- BUG_MARK_FIRST: the mark is written before the commit.
- BUG_CLAIM: positions are given anew for what a request claims.
- BUG_NOT_TOLD: the consumer keeps no epoch, and so is not told.
*/

#ifdef KNOWN_LATE_MARK
#define EVENTS 3
#define POSITIONS 24
#define BEHIND_THE_MARK 5
#define FAR 6
#else
#define EVENTS 2
#define POSITIONS 14
#define BEHIND_THE_MARK 3
#define FAR 3
#endif
#define EPOCHS 4
#define CONSUMERS 1
#define BIT(n) (1 << (n))

typedef Database {
	byte event[POSITIONS]; /* by position */
	byte moment[POSITIONS];
	byte head;
	byte epoch; /* the one that it is in; 0 before the first */
	byte knows; /* a bit for each epoch */
	byte elsewhere /* of which it knows only that there was one */
};

typedef Consumer {
	byte cursor;
	byte epoch;
	byte receipt_epoch;
	byte receipt_position;
	byte receipt_at;
	byte receipt_moment;
	byte taken; /* a bit for each event */
	bool told
};

Database db;
Database backup;
byte mark_epoch, mark_head;
bool mark_is_missing;
byte same_up_to[EPOCHS + 1];
byte goes_on_after[EPOCHS + 1];
byte last_epoch;
byte last_event;
byte waiting; /* an event that is committed and has no position */
byte clock;
byte further;

Consumer here[CONSUMERS];
Consumer backup_here;

byte deaths = 1;
byte claims = 1;
bool restored;
byte lives; /* of the producer's processes: a restore ends them */
bool pull_ends; /* the consumer is restored: a pull that is going on there ends with it */
bool over;

inline begin_epoch(common, after, lost) {
#ifndef BUG_EPOCH_IGNORED
	assert(restored || db.epoch == 0);
	if
	:: lost != 0 && !(db.knows & BIT(lost)) -> db.knows = db.knows | BIT(lost); db.elsewhere = db.elsewhere | BIT(lost)
	:: else
	fi;
	last_epoch++;
	same_up_to[last_epoch] = common;
	goes_on_after[last_epoch] = after;
	db.knows = db.knows | BIT(last_epoch);
	db.epoch = last_epoch;
	db.head = after
#else
	if
	:: db.epoch == 0 -> last_epoch++; db.knows = db.knows | BIT(last_epoch); db.epoch = last_epoch
	:: else
	fi
#endif
}

/* what the mark proves */
inline look_at_mark() {
	if
	:: db.epoch == 0 && mark_epoch == 0 -> begin_epoch(db.head, db.head, 0); mark_is_missing = false
	:: mark_epoch != 0 && (mark_head > db.head || !(db.knows & BIT(mark_epoch))) ->
#ifndef BUG_CURSOR_ONLY
		further = (mark_head > db.head -> mark_head : db.head);
		begin_epoch(db.head, further + BEHIND_THE_MARK, mark_epoch);
		further = 0
#else
		skip
#endif
	:: db.epoch != 0 && mark_epoch == 0 && mark_is_missing ->
#ifndef BUG_CURSOR_ONLY
		begin_epoch(db.head, db.head + FAR, 0);
#endif
		mark_is_missing = false
	:: else
	fi
}

inline give_position(which) {
	db.head++;
	clock++;
	db.event[db.head] = which;
	db.moment[db.head] = clock
}

/* the events after `common` get positions after the head, in their order */
inline number_anew(common, upto) {
	i = common + 1;
	do
	:: i > upto -> break
	:: else ->
		if
		:: db.event[i] != 0 -> give_position(db.event[i]); db.event[i] = 0; db.moment[i] = 0
		:: else
		fi;
		i++
	od;
	i = 0
}

#ifdef KNOWN_LATE_MARK
#define STILL_THERE(life) (life < 2)
#else
#define STILL_THERE(life) (life == lives)
#endif

/* one numbering, its mark afterwards */
inline number() {
#ifdef BUG_MARK_FIRST
	d_step {
		look_at_mark();
		mark_epoch = db.epoch;
		mark_head = db.head + (waiting != 0 -> 1 : 0)
	};
	if
	:: atomic { deaths > 0 -> deaths--; goto begin }
	:: skip
	fi;
#endif
	d_step {
#ifndef BUG_MARK_FIRST
		look_at_mark();
#endif
		if
		:: waiting != 0 -> give_position(waiting); waiting = 0
		:: else
		fi;
		my_epoch = db.epoch;
		my_head = db.head;
		my_life = lives
	};
	if
	:: atomic { deaths > 0 -> deaths--; goto begin }
	:: d_step { STILL_THERE(my_life) -> mark_epoch = my_epoch; mark_head = my_head }
	:: atomic { !STILL_THERE(my_life) -> goto begin }
	fi
}

#define ME here[me]
#define CONTRADICTS \
	(ME.receipt_epoch != 0 && (!(db.knows & BIT(ME.receipt_epoch)) || ME.receipt_position > db.head || \
	(ME.receipt_at != 0 && db.moment[ME.receipt_at] != 0 && db.moment[ME.receipt_at] != ME.receipt_moment)))

/* what a receipt proves */
inline look_at_receipt() {
	if
	:: CONTRADICTS ->
		/* the last position that was given before the receipt was */
		common = 0;
		i = 1;
		do
		:: i > ME.receipt_position || i > db.head -> break
		:: else ->
			if
			:: db.moment[i] != 0 && db.moment[i] <= ME.receipt_moment -> common = i
			:: else
			fi;
			i++
		od;
		upto = db.head;
		further = (ME.receipt_position > db.head -> ME.receipt_position : db.head);
		begin_epoch(common, further + FAR, ME.receipt_epoch);
		further = 0;
		number_anew(common, upto);
		common = 0;
		upto = 0
	:: else
	fi;
	i = 0
}

/* up to where the log is the one that the consumer knows: NOTHING_LOST or a position */
#define NOTHING_LOST 255
inline compare_epochs() {
	common = NOTHING_LOST;
	i = (ME.epoch != 0 && (db.knows & BIT(ME.epoch)) -> ME.epoch + 1 : 1);
	do
	:: i > EPOCHS -> break
	:: else ->
		if
		:: (db.knows & BIT(i)) && !(db.elsewhere & BIT(i)) && goes_on_after[i] > ME.cursor && same_up_to[i] < common ->
			common = same_up_to[i]
		:: else
		fi;
		i++
	od;
	i = 0
}

inline give_page() {
	compare_epochs();
	page_epoch = db.epoch;
	page_cursor = ME.cursor;
	page = 0;
	page_at = 0;
	i = 1;
	do
	:: i > db.head -> break
	:: else ->
		if
		:: db.event[i] != 0 -> page_at = i; page_moment = db.moment[i]
		:: else
		fi;
		if
		:: db.event[i] != 0 && i > ME.cursor -> page = page | BIT(db.event[i])
		:: else
		fi;
		i++
	od;
	if
	:: ME.cursor <= db.head -> page_cursor = db.head; page_receipt = true
	:: else -> page_receipt = false /* no proof that it ever went so far */
	fi;
	i = 0
}

inline take_page() {
#ifndef BUG_NOT_TOLD
	if
	:: page_epoch != ME.epoch && ME.epoch != 0 && common != NOTHING_LOST && common < ME.cursor -> ME.told = true
	:: else
	fi;
	ME.epoch = page_epoch;
#endif
	if
	:: page_receipt ->
		ME.receipt_epoch = page_epoch;
		ME.receipt_position = page_cursor;
		ME.receipt_at = page_at;
		ME.receipt_moment = page_moment
	:: else
	fi;
	new = page & ~ME.taken;
	ME.taken = ME.taken | page;
	ME.cursor = page_cursor
}

inline forget() {
	my_epoch = 0;
	my_head = 0;
	my_life = 0;
	common = 0;
	upto = 0;
	page = 0;
	page_epoch = 0;
	page_cursor = 0;
	page_at = 0;
	page_moment = 0;
	page_receipt = false;
	new = 0
}

proctype Pull(byte me) {
	byte my_epoch, my_head, my_life, i, common, upto;
	byte page, page_epoch, page_cursor, page_at, page_moment, new;
	bool page_receipt, at_the_end;
begin:
	do
	:: at_the_end = over;
		number();
		d_step {
#if !defined(BUG_NO_RECEIPT) && !defined(BUG_CURSOR_ONLY) && !defined(BUG_EPOCH_IGNORED)
			look_at_receipt();
#endif
#ifdef BUG_CURSOR_ONLY
			if
			:: ME.cursor > db.head -> begin_epoch(db.head, ME.cursor, 0)
			:: else
			fi;
#endif
			give_page()
		};
		d_step {
			if
			:: pull_ends && me == 0 -> pull_ends = false; at_the_end = false /* the page goes with it */
			:: else -> take_page()
			fi;
			at_the_end = at_the_end && page_epoch == db.epoch && new == 0 && waiting == 0;
			forget()
		};
		if
		:: at_the_end -> break
		:: else
		fi
	od;
	/* nothing of the log is passed over, and who has what is lost is told */
	i = 1;
	d_step {
		do
		:: i >= POSITIONS -> break
		:: else ->
			assert(db.event[i] == 0 || (ME.taken & BIT(db.event[i])));
			common = (db.event[i] == 0 -> common : common | BIT(db.event[i]));
			i++
		od;
		assert((ME.taken & ~common) == 0 || ME.told);
		i = 0;
		common = 0
	}
}

/* another consumer's requests, and the look for whom to tell */
active proctype Somebody_else() {
	byte my_epoch, my_head, my_life;
begin:
	do
	:: number();
		d_step { my_epoch = 0; my_head = 0; my_life = 0 }
	:: over -> break
	od
}

active proctype Users() {
	do
	:: d_step { last_event < EVENTS && waiting == 0 -> last_event++; waiting = last_event }
	:: last_event == EVENTS -> break
	od
}

inline copy_database(from, to) {
	i = 0;
	do
	:: i == POSITIONS -> break
	:: else -> to.event[i] = from.event[i]; to.moment[i] = from.moment[i]; i++
	od;
	to.head = from.head;
	to.epoch = from.epoch;
	to.knows = from.knows;
	to.elsewhere = from.elsewhere;
	i = 0
}

inline copy_consumer(from, to) {
	to.cursor = from.cursor;
	to.epoch = from.epoch;
	to.receipt_epoch = from.receipt_epoch;
	to.receipt_position = from.receipt_position;
	to.receipt_at = from.receipt_at;
	to.receipt_moment = from.receipt_moment;
	to.taken = from.taken;
	to.told = from.told
}

active proctype Administrators() {
	byte i;
	if
	:: d_step { db.epoch != 0 -> copy_database(db, backup); copy_consumer(here[0], backup_here) };
		if
		:: d_step { copy_database(backup, db); waiting = 0; restored = true; lives++ }
		:: d_step {
				copy_database(backup, db);
				waiting = 0;
				restored = true;
				lives++;
				mark_epoch = 0;
				mark_head = 0;
				mark_is_missing = true /* on another machine */
			}
		:: skip
		fi;
		if
		:: d_step { copy_consumer(backup_here, here[0]); pull_ends = true }
		:: skip
		fi
	:: skip
	fi;
	if
	:: d_step {
			claims > 0 -> claims--; /* somebody says that it has taken more than there is */
#ifdef BUG_CLAIM
			begin_epoch(db.head, db.head + FAR, 0)
#else
			skip
#endif
		}
	:: skip
	fi;
	last_event == EVENTS && waiting == 0;
	over = true
}

init {
	run Pull(0)
}
