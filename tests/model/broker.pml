/*
The broker, which may lose, repeat and reorder: whatever it does, nothing is passed over.

Stands for producer/publishing/ (the publisher: what was before an event is of the log, never of what was sent), consumer/pull/chain.py
(the rule of holes), source.py beside it (a hole is filled from the feed), and loop.py (the lock of a producer's one pull, the cursor in
the transaction of the documents).

What it models
- Committed events with positions; some positions are of events that are not for this stream. One publisher at a time, under a lease,
  sends an event after the other with its position and the position of the one before it in the stream, both from the log. It may die;
  the next one begins anew from what the stream's end says, which may be behind: messages are lost there, too.
- The broker keeps messages in a bag: each is lost, comes at any time, in any order, and may come twice.
- The consumer reads one stream here: with several DocTypes, what was before a message is the last of what was before it in each.
- The consumer takes a message under the lock of its pull. One that names a position before it that the cursor has not reached shows
  a hole: all from the cursor on is read from the feed. One that the cursor is past is a repeat. The scheduler's pull reads the feed at
  any time, and once at the end.
- Applying and moving the cursor are one transaction; the consumer may die before it commits.
- Positions 1 and 2 are of one transaction: they are numbered at once, the feed gives both in one page, and a message says what of its
  transaction is still to come. Of such a one nothing is taken before the rest is there; if that does not come, the feed is read.

What must hold
- The cursor passes no event of the stream that has not taken effect.
- No event takes effect twice, and they do in the order of their positions.
- What was made in one transaction takes effect in one.
- At the end everything has.

Bounds: 4 positions, 3 of them of the stream, 1 message lost, 1 repeated, 1 death of the publisher and 1 of the consumer.

Bugs that can be put back
- BUG_HOLE_NOT_CHECKED: whatever comes is applied, and the cursor set to it.
- BUG_NUMBERED_BY_PUBLISHER: the position before is of what this publisher has sent last, not of the log.
- BUG_REPEAT_NOT_CHECKED: a message that the cursor is past is applied.
- BUG_NO_LOCK: messages are taken while the feed is read.
- BUG_REST_NOT_AWAITED: a message is applied whatever of its transaction is still to come.
*/

#define POSITIONS 4
#define BIT(p) (1 << (p))
#define HAS(set, p) (((set) >> (p)) & 1)
/* positions 1, 2 and 4 are of the stream */
#define STREAM (BIT(1) | BIT(2) | BIT(4))
/* 1 and 2 were made in one transaction */
#define LAST_OF(p) ((p) == 1 -> 2 : (p))
#define BEFORE(p) ((p) == 2 -> 1 : ((p) == 4 -> 2 : 0))

byte committed; /* positions given */
byte noted; /* how far a publisher has noted that it is */
byte bag; /* messages that are on their way */
byte named_before[POSITIONS + 1]; /* what a message says came before it */

byte cursor;
byte effects;
bool pulling; /* the lock */

byte losses = 1;
byte repeats = 1;
byte publisher_dies = 1;
byte consumer_dies = 1;
bool all_sent;
bool over;

/* one event, in one transaction with the cursor */
inline take_effect(p, to) {
	assert(!HAS(effects, p)); /* once */
	assert((effects >> (p)) == 0); /* in order */
	effects = effects | BIT(p);
	cursor = to;
	assert((STREAM & (BIT(cursor + 1) - 1) & ~effects) == 0); /* nothing is passed over */
	assert(HAS(effects, 1) == HAS(effects, 2)) /* whole */
}

/* the same for both of the transaction */
inline take_both() {
	assert(effects == 0);
	effects = BIT(1) | BIT(2);
	cursor = 2
}

active proctype Producer() {
	do
	:: committed == 0 -> committed = 2
	:: committed > 0 && committed < POSITIONS -> committed++
	:: else -> break
	od
}

active proctype Publisher() {
	byte at, sent;
	do
	:: at == POSITIONS -> break
	:: at < committed && !HAS(STREAM, at + 1) -> at++
	:: d_step {
			at < committed && HAS(STREAM, at + 1) ->
			at++;
			bag = bag | BIT(at);
#ifdef BUG_NUMBERED_BY_PUBLISHER
			named_before[at] = sent;
#else
			named_before[at] = BEFORE(at);
#endif
			sent = at
		}
	:: noted < at -> noted = at
	:: d_step { publisher_dies > 0 -> publisher_dies--; at = noted; sent = 0 } /* the next one */
	od;
	all_sent = true
}

active proctype Broker() {
	byte p;
	do
	:: over -> break
	:: d_step {
			!over && losses > 0 && bag > 0 ->
			losses--;
			p = 1;
			do
			:: HAS(bag, p) -> break
			:: else -> p++
			od;
			bag = bag & ~BIT(p);
			p = 0
		}
	:: d_step {
			!over && losses > 0 && (bag & (bag - 1)) ->
			losses--;
			p = POSITIONS;
			do
			:: HAS(bag, p) -> break
			:: else -> p--
			od;
			bag = bag & ~BIT(p);
			p = 0
		}
	od
}

inline lock() {
#ifndef BUG_NO_LOCK
	atomic { !pulling -> pulling = true }
#else
	skip
#endif
}

/* the feed: page after page from the cursor to the head, each transaction of the producer's as one */
inline read_feed() {
	head = committed;
	at = cursor;
	do
	:: at >= head -> break
	:: else ->
		at++;
		if
		:: d_step { at == 1 -> take_both(); at = 2 }
		:: d_step { at > 1 && HAS(STREAM, at) -> take_effect(at, at) }
		:: d_step { !HAS(STREAM, at) -> cursor = at }
		:: d_step { consumer_dies > 0 -> consumer_dies--; at = 0 }; break /* nothing of this one is committed */
		fi
	od;
	at = 0;
	head = 0
}

active proctype Listener() {
	byte message, before, at, head;
	do
	:: over -> break
	:: !over && bag > 0 ->
		/* any of them comes, and may come again */
		if
		:: HAS(bag, 1) -> message = 1
		:: HAS(bag, 2) -> message = 2
		:: HAS(bag, 4) -> message = 4
		:: else -> goto nothing
		fi;
		d_step {
			before = named_before[message];
			if
			:: repeats > 0 -> repeats--
			:: bag = bag & ~BIT(message)
			fi
		};
		lock();
		if
#ifndef BUG_REPEAT_NOT_CHECKED
		:: message <= cursor -> skip /* a repeat */
#else
		:: message <= cursor -> d_step { take_effect(message, message) }
#endif
#ifndef BUG_HOLE_NOT_CHECKED
		:: message > cursor && before > cursor -> read_feed() /* a hole */
		:: message > cursor && before <= cursor ->
#else
		:: message > cursor ->
#endif
			if
#ifndef BUG_REST_NOT_AWAITED
			:: message < LAST_OF(message) && HAS(bag, 2) -> /* the rest is there */
				if
				:: d_step { take_both(); bag = bag & ~BIT(2) }
				:: d_step { consumer_dies > 0 -> consumer_dies--; bag = bag & ~BIT(2) }
				fi
			:: message < LAST_OF(message) -> read_feed() /* it does not come, or not yet */
			:: d_step { message == LAST_OF(message) -> take_effect(message, message) }
#else
			:: d_step { take_effect(message, message) }
#endif
			:: d_step { consumer_dies > 0 -> consumer_dies-- } /* the message is lost with it */
			fi
		fi;
		pulling = false;
nothing:
		message = 0;
		before = 0
	od
}

/* the scheduler: a pull at some time, and one at the end */
active proctype Minute() {
	byte at, head;
	if
	:: lock(); read_feed(); pulling = false
	:: skip
	fi;
	all_sent && committed == POSITIONS && bag == 0;
	do
	:: cursor == POSITIONS -> break
	:: else -> lock(); read_feed(); pulling = false
	od;
	assert(effects == STREAM);
	over = true
}
