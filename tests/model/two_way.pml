/*
Two sites that subscribe to each other: a change goes over once and stops, and both end with the same document.

Stands for: identity/origin.py, producer/capture/log.py (the origin of a row), producer/subscriptions/reader.py (is_for: not what
the reader has made), consumer/apply (event.py, conflicts.py, two_way.py).

What it models
- One document with one field, on both sites from the beginning, first made on site 0 (its root). People change it on either site at
  any time. Each site logs what is changed there, with the value and the stamp of before and the site where the change was first
  made, and pulls the other's log, event after event, leaving out what it has made itself.
- An event whose stamp of before is not the document's meets a change of this site. Where both changed the value, the policy decides
  (Producer Wins: the root's side; Newest Wins: the later stamp); the later stamp stays. The root then logs the document whole, with
  a stamp of its own, for the other site, which takes it as it is. What changes nothing is not logged.

What must hold
- No echo: no site is given a change that it has made.
- It comes to rest: logs stay short.
- At rest both sites have the same value and the same stamp.

Simpler than the code: one field (so no merging of different ones), the document is never deleted or renamed; applying is one step;
both sites read one clock, so that the later stamp is the later change.

Bounds: 2 sites, 5 changes, at most 4 on one site; both policies.

Bugs that can be put back
- BUG_ORIGIN_DROPPED: what is applied is logged as this site's own change.
- BUG_NOT_RESTATED: the root does not say what came of two changes that met.
*/

#define SITES 2
#define MOST_LOG 14
#define ROOT 0
#define OTHER(s) (1 - (s))

typedef Event {
	byte value;
	byte before;
	byte stamp;
	byte stamp_before;
	byte origin;
	bool whole;
	byte maker /* for the property: who has really made it */
};

typedef Log {
	Event events[MOST_LOG]
};

Log log[SITES];
byte length[SITES];
byte cursor[SITES]; /* how far this site is in the other's log */
byte value[SITES];
byte stamp[SITES];
byte clock;
byte changes = 5;
byte changes_of[SITES] = 4;
bool newest_wins;
#define AT_REST (changes == 0 && cursor[0] == length[1] && cursor[1] == length[0])

inline write(site, new, new_stamp, from, is_whole, who) {
	assert(length[site] < MOST_LOG); /* it comes to an end */
	log[site].events[length[site]].value = new;
	log[site].events[length[site]].before = value[site];
	log[site].events[length[site]].stamp = new_stamp;
	log[site].events[length[site]].stamp_before = stamp[site];
	log[site].events[length[site]].origin = from;
	log[site].events[length[site]].whole = is_whole;
	log[site].events[length[site]].maker = who;
	length[site]++;
	value[site] = new;
	stamp[site] = new_stamp
}

inline change(site) {
	clock++;
	changes--;
	changes_of[site]--;
	write(site, clock, clock, site, false, site)
}

#define EVENT log[OTHER(me)].events[cursor[me]]

inline save(new, new_stamp) {
	if
	:: new != value[me] ->
#ifdef BUG_ORIGIN_DROPPED
		write(me, new, new_stamp, me, false, EVENT.maker)
#else
		write(me, new, new_stamp, EVENT.origin, false, EVENT.maker)
#endif
	:: else -> /* nothing is logged; the later stamp is kept */
		if
		:: new_stamp > stamp[me] || EVENT.whole -> stamp[me] = new_stamp
		:: else
		fi
	fi
}

inline settle() {
	met = (EVENT.stamp_before != stamp[me]);
	new = EVENT.value;
	new_stamp = EVENT.stamp;
	if
	:: met ->
		if
		:: value[me] != EVENT.before && value[me] != EVENT.value -> /* a conflict */
			if
			:: newest_wins && stamp[me] > EVENT.stamp -> new = value[me]
			:: newest_wins && stamp[me] == EVENT.stamp && me == ROOT -> new = value[me]
			:: !newest_wins && me == ROOT -> new = value[me]
			:: else
			fi
		:: else
		fi;
		if
		:: new_stamp < stamp[me] -> new_stamp = stamp[me]
		:: else
		fi
	:: else
	fi
}

active [SITES] proctype Site() {
	byte new, new_stamp;
	bool met;
	byte me = _pid;
end:
	do
	:: d_step { changes > 0 && changes_of[me] > 0 -> change(me) }
	:: d_step { /* left out by the feed: first made here */
			cursor[me] < length[OTHER(me)] && EVENT.origin == me -> cursor[me]++
		}
	:: d_step {
			cursor[me] < length[OTHER(me)] && EVENT.origin != me && EVENT.whole ->
			save(EVENT.value, EVENT.stamp);
			cursor[me]++
		}
	:: d_step {
			cursor[me] < length[OTHER(me)] && EVENT.origin != me && !EVENT.whole ->
			assert(EVENT.maker != me); /* no echo */
			settle();
			save(new, new_stamp);
			if
#ifndef BUG_NOT_RESTATED
			:: met && me == ROOT ->
				clock++;
				write(me, value[me], clock, me, true, me)
#endif
			:: else
			fi;
			cursor[me]++;
			new = 0;
			new_stamp = 0;
			met = false
		}
	od
}

init {
	if
	:: newest_wins = true
	:: newest_wins = false
	fi;
end:
	do
	:: d_step { timeout -> assert(AT_REST); assert(value[0] == value[1]); assert(stamp[0] == stamp[1]) } -> break
	od
}
