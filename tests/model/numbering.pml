/*
Commit order against numbering: no reader's cursor passes an event that it has not been given, and none stops within a transaction.

Stands for: producer/log/sequence.py (assign_positions), producer/log/ordering.py, producer/feed/page.py and selection.py (a page after
a cursor), and for the row that producer/capture/log.py writes in the transaction of the change.

What it models
- Three transactions of users. Two change one document, one after the other has let go of its row; the third changes another
  document and then that one. A row of the log gets its name (auto-increment) when it is inserted, its position 0. A transaction
  commits or is rolled back; a name that was taken is not given again.
- Two readers (two consumers, or one and the look for whom to tell). Before each page a reader numbers what is committed: a look
  without the lock, the lock on the counter's row, a picture of the database, positions, commit. At most BATCH at a time. The events
  of a transaction stand side by side, where its last one stands; those of one that has more than the picture holds wait. A
  reader dies at any point of it: what was not committed is gone, and the lock with it.
- A page has at most LIMIT events after the cursor, up to the head that the reader's own numbering gave, and those besides that
  its last transaction has.

What must hold
- At the end each reader has been given each committed event exactly once.
- Events of one document are given in the order in which the document was changed.
- A position that was given is never changed.
- Where a page ends, each transaction is given whole or not at all.

Simpler than the code: applying a page and keeping the cursor are one step (page.pml takes them apart); conditions, permissions and
retention are left out.

Bounds: 3 transactions, 4 rows, 2 readers, batches of 3, pages of 1, 1 death.

Bugs that can be put back
- BUG_AT_INSERT: the position is taken at insert, as an auto-increment is.
- BUG_OLD_PICTURE: the picture of the database is from before the lock.
- BUG_NAME_BEFORE_LOCK: the row of the log is written before the document's row is locked.
- BUG_BY_NAME: positions are given in the order of names.
- BUG_WHERE_IT_BEGINS: a transaction is put where its first event stands.
- BUG_NOT_WAITED: a transaction of which a part is in the picture gets positions for that.
- BUG_CUT: a page ends after LIMIT events, whatever they belong to.
*/

#define ROWS 4
#define BATCH 3
#define LIMIT 1
#define READERS 2
#define DOCUMENTS 2

/* the database: rows of the log by their names 1, 2, 3 … */
byte next_name = 1;
bool is_committed[ROWS + 1];
byte position[ROWS + 1];
byte document[ROWS + 1];
byte made_by[ROWS + 1];
byte change[ROWS + 1];
byte head;
bool counter_locked;
bool document_locked[DOCUMENTS];
byte changes_of[DOCUMENTS];

/* what the readers have been given */
bool given[READERS * (ROWS + 1)];
byte last_change[READERS * DOCUMENTS];
byte transactions = 3;
byte deaths = 1;

inline lock_document() {
	atomic { !document_locked[which] -> document_locked[which] = true }
}

inline log_change() {
	d_step {
		document[next_name] = which;
		made_by[next_name] = _pid;
		mine[wrote] = next_name;
#ifdef BUG_AT_INSERT
		position[next_name] = next_name;
#endif
		next_name++;
		wrote++
	}
}

inline change_document() {
	/* the document's row is locked: the n-th change of it */
	d_step { changes_of[which]++; change[mine[wrote - 1]] = changes_of[which] }
}

proctype Transaction(byte which; bool another) {
	byte mine[2];
	byte wrote = 0;
	byte i = 0;
	bool first_locked = which == 1;
#ifdef BUG_NAME_BEFORE_LOCK
	log_change();
	lock_document();
	change_document();
#else
	lock_document();
	log_change();
	change_document();
#endif
	if
	:: another ->
		which = 0;
#ifdef BUG_NAME_BEFORE_LOCK
		log_change();
		lock_document();
#else
		lock_document();
		log_change();
#endif
		change_document()
	:: else
	fi;
	if
	:: d_step { /* commit */
		i = 0;
		do
		:: i < wrote -> is_committed[mine[i]] = true; i++
		:: else -> break
		od;
		i = 0;
		document_locked[which] = false;
		document_locked[first_locked] = false;
		transactions--
	}
	:: d_step { document_locked[which] = false; document_locked[first_locked] = false; transactions-- } /* rollback */
	fi
}

/* the names of up to BATCH committed rows without a position, in their order; as one step of its caller */
inline take_picture() {
	found = 0;
	i = 1;
	do
	:: i > ROWS || found == BATCH -> break
	:: else ->
		if
		:: is_committed[i] && position[i] == 0 -> names[found] = i; found++
		:: else
		fi;
		i++
	od;
	i = 0
}

/* the place of a row of the picture: where its transaction ends in it, and its name; 0 for one that has to wait */
inline find_places() {
	i = 0;
	do
	:: i == found -> break
	:: else ->
		places[i] = names[i];
		j = 1;
		do
		:: j > ROWS -> break
		:: else ->
			if
			:: !is_committed[j] || position[j] || made_by[j] != made_by[names[i]]
			:: else ->
				if
#ifdef BUG_BY_NAME
				:: true
#elif defined(BUG_WHERE_IT_BEGINS)
				:: j < places[i] -> places[i] = j
#else
#ifndef BUG_NOT_WAITED
				:: found == BATCH && j > names[BATCH - 1] -> places[i] = 0; break
#endif
				:: j > places[i] && (found < BATCH || j <= names[BATCH - 1]) -> places[i] = j
#endif
				:: else
				fi
			fi;
			j++
		od;
		i++
	od
}

/* positions in the order of places, of names where these are the same; as one step of its caller */
inline write_positions() {
	d_step {
		find_places();
		left = found;
		do
		:: left == 0 -> break
		:: else ->
			next = BATCH;
			i = 0;
			do
			:: i == found -> break
			:: else ->
				if
				:: places[i] && (next == BATCH || places[i] < places[next]) -> next = i
				:: else
				fi;
				i++
			od;
			if
			:: next == BATCH -> left = 0
			:: else ->
				assert(position[names[next]] == 0); /* a position is never changed */
				upto++;
				position[names[next]] = upto;
				places[next] = 0;
				left--
			fi
		od;
		head = upto;
		counter_locked = false;
		i = 0;
		j = 0;
		next = 0;
		names[0] = 0;
		names[1] = 0;
		names[2] = 0
	}
}

/* assign_positions: afterwards `upto` is the head that it answers with */
inline number() {
	do
	:: d_step { take_picture(); upto = head } -> /* the look without the lock */
		if
		:: found == 0 -> break
		:: else
		fi;
		atomic { !counter_locked -> counter_locked = true };
#ifdef BUG_OLD_PICTURE
		upto = head;
#else
		d_step { upto = head; take_picture() };
#endif
		if
		:: atomic { deaths > 0 -> deaths--; counter_locked = false; goto begin }
		:: write_positions()
		fi;
		if
		:: found < BATCH -> break
		:: else
		fi
	od
}

/* events after the cursor: what the reader is given, and where its cursor is then */
inline read_page() {
	d_step {
		size = 0;
		do
		:: true ->
			/* the next one in the order of positions */
			next = 0;
			i = 1;
			do
			:: i > ROWS -> break
			:: else ->
				if
				:: is_committed[i] && position[i] > cursor && (next == 0 || position[i] < position[next]) -> next = i
				:: else
				fi;
				i++
			od;
			if
			:: next == 0 -> break
#ifndef BUG_AT_INSERT
			:: next != 0 && position[next] > upto -> break
#endif
#ifdef BUG_CUT
			:: next != 0 && size >= LIMIT -> break
#else
			:: next != 0 && size >= LIMIT && made_by[next] != last_given -> break
#endif
			:: else ->
				cursor = position[next];
				size++;
				last_given = made_by[next];
				assert(!given[me * (ROWS + 1) + next]); /* nothing is given twice */
				given[me * (ROWS + 1) + next] = true;
				assert(change[next] > last_change[me * DOCUMENTS + document[next]]); /* in order */
				last_change[me * DOCUMENTS + document[next]] = change[next]
			fi
		od;
		i = 1;
		do
		:: i > ROWS -> break
		:: else ->
			j = 1;
			do
			:: j > ROWS -> break
			:: else ->
				/* whole or not at all */
				assert(!is_committed[i] || !is_committed[j] || made_by[i] != made_by[j] ||
					given[me * (ROWS + 1) + i] == given[me * (ROWS + 1) + j]);
				j++
			od;
			i++
		od;
		last_given = 0;
		next = 0;
		i = 0;
		j = 0
	}
}

proctype Reader(byte me) {
	byte names[BATCH];
	byte places[BATCH];
	byte cursor, upto, found, left, size, next, last_given, i, j;
	bool all_over;
begin:
	do
	:: all_over = (transactions == 0);
#ifndef BUG_AT_INSERT
		number();
#endif
		read_page();
		if
		:: all_over && size == 0 -> break
		:: else
		fi
	od;
	i = 1;
	d_step {
		do
		:: i > ROWS -> break
		:: else -> assert(!is_committed[i] || given[me * (ROWS + 1) + i]); i++ /* nothing is lost */
		od;
		i = 0
	}
}

init {
	atomic {
		run Transaction(0, false);
		run Transaction(0, false);
		run Transaction(1, true);
		run Reader(0);
		run Reader(1)
	}
}
