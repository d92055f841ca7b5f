/*
The wake-up: whatever is committed before a notification is taken by a pull that begins to read after it.

Stands for: consumer/pull/requests.py (notified, pull_job, pull_due) and consumer/pull/loop.py (pull: the lock, and the flag beside
it).

What it models
- A producer that commits events, one after the other, and sends a notification after each (notify.pml has how). It says nothing but
  that there is something, so that their order does not matter: they arrive late, in any order, twice, or not at all.
- The consumer queues a pull if none waits in the queue. Two workers pull: the flag that more is wanted, the lock, the flag away,
  page after page, the lock back, and another look at the flag: it goes round again, or, when its slice of time is used up, has another
  pull queued if none waits there. (A script that waits for its turn sets no flag until it gives up, and has nothing to tell.)
- A process that sets the flag of the queue may die before it has queued the pull; a pull may die while it reads. The flag frees
  itself after a minute (QUEUED_FOR), and each minute the scheduler queues a pull.

What must hold
- When nothing is going on any more and nothing was lost, the consumer has taken all that was committed.
- If something was lost, it has after one sweep.
- One pull at a time.

Simpler than the code: a page has one event; the quick pull of the web worker goes the job's way. That two workers could go on
waking each other, if each came between the other's lock and flag again and again, is not looked at: it costs an empty page each
time, and loses nothing.

Bounds: 3 commits, 2 workers, 1 notification, job or pull lost, 1 notification repeated.

Bugs that can be put back
- BUG_QUEUED_LATE: the flag of the queued pull is freed after the pull.
- BUG_WAKE_LATE: a pull takes the flag away when it has read the feed.
- BUG_WAKE_AFTER_LOCK: who finds the lock taken sets the flag then, and not before.
- BUG_NO_LOCK: two pulls at once.
- BUG_SLICE_FORGETS: a pull whose slice is used up ends, and has none queued.
*/

#define WORKERS 2
#ifdef BUG_NO_LOCK
#define LOCK_IS_FREE true
#else
#define LOCK_IS_FREE !pulling
#endif

byte committed;
byte commits = 3;
byte on_the_line;

/* Redis and the queue */
bool pull_queued;
byte pulls;
bool wake;
bool pulling; /* the lock */
byte taken;
byte reading; /* for the property: pulls that read */

byte losses = 1;
byte repeats = 1;
bool was_lost;
bool finished;

inline lose() {
	losses > 0 -> losses--;
	was_lost = true
}

active proctype Producer() {
	do
	:: commits > 0 ->
		d_step { commits--; committed++ };
		if
		:: on_the_line++
		:: d_step { lose() }
		fi
	:: commits == 0 -> break
	od
}

/* the web server, and the line to it */
active proctype Notified() {
end:
	do
	:: d_step { on_the_line > 0 && repeats > 0 -> repeats--; on_the_line++ }
	:: atomic { on_the_line > 0 -> on_the_line-- };
		if
		:: pull_queued
		:: atomic { !pull_queued -> pull_queued = true };
			if
			:: pulls++
			:: d_step { lose() }
			fi
		fi
	:: finished -> break
	od
}

active [WORKERS] proctype Worker() {
	byte page;
	bool again;
end:
	do
	:: atomic { pulls > 0 -> pulls-- };
#ifndef BUG_QUEUED_LATE
		pull_queued = false;
#endif
		again = true;
		do
		:: again ->
#ifndef BUG_WAKE_AFTER_LOCK
			wake = true;
#endif
			if
			:: d_step { LOCK_IS_FREE -> pulling = true; reading++; assert(reading == 1) };
#ifndef BUG_WAKE_LATE
				wake = false;
#endif
				again = false;
				do
				:: page = committed; /* the producer answers */
					if
					:: page > taken ->
						if
						:: taken = taken + 1 /* a page has one event */
						:: d_step { lose(); pulling = false; reading-- }; goto dead
						fi
					:: else -> break
					fi
				od;
#ifdef BUG_WAKE_LATE
				wake = false;
#endif
				page = 0;
				d_step { pulling = false; reading-- };
				if
				:: wake -> again = true
				:: wake -> /* the slice is used up */
#ifndef BUG_SLICE_FORGETS
					if
					:: pull_queued
					:: atomic { !pull_queued -> pull_queued = true; pulls++ }
					fi
#else
					skip
#endif
				:: else
				fi
			:: !(LOCK_IS_FREE) ->
#ifdef BUG_WAKE_AFTER_LOCK
				wake = true;
#endif
				again = false /* busy: whoever has the lock looks again */
			fi
		:: else -> break
		od;
dead:
		page = 0;
		again = false;
#ifdef BUG_QUEUED_LATE
		pull_queued = false
#endif
	:: finished -> break
	od
}

active proctype Minute() {
	do
	:: d_step { timeout && was_lost ->
			/* the flag has freed itself, and the sweep queues a pull */
			was_lost = false;
			pull_queued = true;
			pulls++
		}
	:: d_step { timeout && !was_lost -> assert(commits == 0); assert(taken == committed) } -> break
	od;
	finished = true
}
