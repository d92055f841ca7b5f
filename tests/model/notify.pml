/*
Telling the consumer: after the last commit a notification follows that is later than it.

Stands for: producer/notify/notifications.py (events_committed, ask_for_look, _look, notify_consumer, minutely).

What it models
- Two processes that commit events. After a commit each asks for a look whom to tell (a flag in Redis, set once, then a job), and
  for a while it does not ask again.
- The look, by two workers: it frees the flag, sees how far the log is, tells the consumer if that is behind, and looks a second time
  when all that asked before it may ask again. Telling: a flag that more is wanted, a lock so that one call is on its way, the call,
  the flag again.
- A call arrives, is lost, or arrives and its answer is lost. When one has arrived the consumer takes, some time later, all that is
  committed by then (wakeup.pml shows that it does).
- A process that sets the flag may die before it has queued the job. The flag frees itself after a minute (QUEUED_SECONDS), and each
  minute the scheduler looks.

What must hold
- When nothing is going on any more and nothing was lost, the consumer has taken all that was committed.
- If something was lost, it has after one minute's look.

Simpler than the code: numbering is one step (numbering.pml); the
other consumers only as far as each then has a job; the web worker's own quick call is the job's (it goes the
same way). That two workers could go on telling each other to call once more, if each came between the other's lock and flag again
and again, is not looked at: it costs a call each time, and loses nothing.

Bounds: 2 processes, 2 commits, 2 workers, 1 call or job lost.

Bugs that can be put back
- BUG_FLAG_LATE: the look frees its flag when it has looked.
- BUG_ONE_LOOK: there is no second look.
- BUG_WANTED_LATE: the flag that more is to be told is taken away after the call.
*/

#define WRITERS 2
#define WORKERS 2

byte committed;
byte commits = 2;

/* Redis and the queue */
bool look_queued;
byte looks;
bool more_to_tell;
byte calls;
bool telling; /* the lock */
bool silent[WRITERS]; /* has asked, and does not ask again for a while */
byte waits_for[WORKERS]; /* writers that a look has to let ask again before its second look */

bool arrived; /* a call has, and has not been followed yet */
byte taken; /* by the consumer */

byte losses = 1;
bool was_lost;
bool finished;

inline lose() {
	losses > 0 -> losses--;
	was_lost = true
}

inline ask_for_look() {
	if
	:: look_queued
	:: atomic { !look_queued -> look_queued = true };
		if
		:: looks++
		:: d_step { lose() } /* died before it was queued */
		fi
	fi
}

active [WRITERS] proctype Writer() {
	byte me = _pid;
	do
	:: d_step { commits > 0 -> commits--; committed++ };
		if
		:: silent[me]
		:: !silent[me] -> silent[me] = true; ask_for_look()
		fi
	:: commits == 0 -> break
	od
}

/* time goes on: a writer may ask again */
active proctype Clock() {
end:
	do
	:: d_step { silent[0] -> silent[0] = false; waits_for[0] = waits_for[0] & 2; waits_for[1] = waits_for[1] & 2 }
	:: d_step { silent[1] -> silent[1] = false; waits_for[0] = waits_for[0] & 1; waits_for[1] = waits_for[1] & 1 }
	:: finished -> break
	od
}

inline tell() {
	more_to_tell = true;
	if
	:: telling
	:: atomic { !telling -> telling = true };
#ifndef BUG_WANTED_LATE
		more_to_tell = false;
#endif
		if
		:: d_step { arrived = true; told = true }
		:: d_step { lose(); told = false }
		:: d_step { lose(); arrived = true; told = false } /* its answer is lost */
		fi;
#ifdef BUG_WANTED_LATE
		more_to_tell = false;
#endif
		telling = false;
		if
		:: atomic { more_to_tell -> more_to_tell = false };
			if
			:: told -> calls++
			:: else
			fi
		:: else
		fi
	fi;
	told = false
}

proctype Worker(byte me) {
	byte head;
	bool told;
end:
	do
	:: atomic { looks > 0 -> looks-- };
#ifndef BUG_FLAG_LATE
		d_step { look_queued = false; waits_for[me] = silent[0] | (silent[1] << 1) };
#endif
		head = committed;
		if
		:: taken < head -> tell()
		:: taken < head -> calls++ /* one of several consumers: a job for each */
		:: else
		fi;
#ifdef BUG_FLAG_LATE
		d_step { look_queued = false; waits_for[me] = silent[0] | (silent[1] << 1) };
#endif
#if !defined(BUG_ONE_LOOK) && !defined(BUG_FLAG_LATE)
		waits_for[me] == 0;
		if
		:: committed > head -> ask_for_look()
		:: else
		fi;
#endif
		head = 0
	:: atomic { calls > 0 -> calls-- };
		tell()
	:: finished -> break
	od
}

active proctype Consumer() {
end:
	do
	:: d_step { arrived -> arrived = false; taken = committed }
	:: finished -> break
	od
}

active proctype Minute() {
	do
	:: d_step { timeout && was_lost -> was_lost = false; look_queued = true; looks++ }
	:: d_step { timeout && !was_lost -> assert(commits == 0); assert(taken == committed) } -> break
	od;
	finished = true
}

init {
	atomic { run Worker(0); run Worker(1) }
}
