/*
A ring of three: each site subscribes to the one before it; a change goes round once and stops before it comes home.

Stands for: identity/origin.py, producer/capture/log.py (the origin of a row stays that of the first site), producer/subscriptions/
reader.py (is_for), consumer/apply (event.py, conflicts.py; two_way.py asks whether the producer subscribes in turn, and in a ring
it does not).

What it models
- One document with one field on three sites; site 0 has made it. Site 1 pulls from 0, 2 from 1, 0 from 2. People change it on any
  site at any time, also while other changes are on their way.
- What is applied is logged with the origin that it came with. A site is not given what has its own origin. Changes that meet are
  settled by Producer Wins, each site for itself; nothing is said again.

What must hold
- No echo: no site is given a change that it has made.
- A change takes effect at most once on each site.
- It comes to rest: logs stay short.
- If no changes have met, all three sites have the same value and the same stamp at rest, that of the last change.

What does not hold, and is known: where changes of two sites have met in a ring, the three may end with different values, until the
next change or a verify (KNOWN_MET asks for it, and it is found). Two sites that subscribe to each other end equal (two_way.pml).

Simpler than the code: one field; no deletion, no renaming; applying is one step.

Bounds: 3 sites, 4 changes, at most 2 on one site.

Bugs that can be put back
- BUG_ORIGIN_DROPPED: what is applied is logged as this site's own change.
- BUG_ORIGIN_OF_LAST_HOP: it is logged as a change of the site that it was pulled from.
*/

#define SITES 3
#define MOST_LOG 6
#define CHANGES 4
#define ROOT 0
#define BEFORE(s) (((s) + 2) % 3)

typedef Event {
	byte value;
	byte before;
	byte stamp;
	byte stamp_before;
	byte origin;
	byte maker; /* for the property: who has really made it, and which change it is */
	byte number
};

typedef Log {
	Event events[MOST_LOG]
};

typedef Taken {
	bool number[CHANGES + 1]
};

Log log[SITES];
byte length[SITES];
byte cursor[SITES];
byte value[SITES];
byte stamp[SITES];
Taken taken[SITES];
byte clock;
byte changes_of[SITES] = 2;
bool have_met;
#define AT_REST (cursor[0] == length[2] && cursor[1] == length[0] && cursor[2] == length[1])

inline write(site, new, new_stamp, from, who, which) {
	assert(length[site] < MOST_LOG); /* it comes to an end */
	log[site].events[length[site]].value = new;
	log[site].events[length[site]].before = value[site];
	log[site].events[length[site]].stamp = new_stamp;
	log[site].events[length[site]].stamp_before = stamp[site];
	log[site].events[length[site]].origin = from;
	log[site].events[length[site]].maker = who;
	log[site].events[length[site]].number = which;
	length[site]++;
	value[site] = new;
	stamp[site] = new_stamp
}

inline change(site) {
	clock++;
	changes_of[site]--;
	write(site, clock, clock, site, site, clock)
}

#define EVENT log[BEFORE(me)].events[cursor[me]]

inline settle() {
	new = EVENT.value;
	new_stamp = EVENT.stamp;
	if
	:: EVENT.stamp_before != stamp[me] ->
		have_met = true;
		if
		:: value[me] != EVENT.before && value[me] != EVENT.value && me == ROOT -> new = value[me]
		:: else
		fi;
		if
		:: new_stamp < stamp[me] -> new_stamp = stamp[me]
		:: else
		fi
	:: else
	fi
}

inline save() {
	if
	:: new != value[me] ->
#if defined(BUG_ORIGIN_DROPPED)
		write(me, new, new_stamp, me, EVENT.maker, EVENT.number)
#elif defined(BUG_ORIGIN_OF_LAST_HOP)
		write(me, new, new_stamp, BEFORE(me), EVENT.maker, EVENT.number)
#else
		write(me, new, new_stamp, EVENT.origin, EVENT.maker, EVENT.number)
#endif
	:: else ->
		if
		:: new_stamp > stamp[me] -> stamp[me] = new_stamp
		:: else
		fi
	fi
}

active [SITES] proctype Site() {
	byte new, new_stamp;
	byte me = _pid;
end:
	do
	:: d_step { clock < CHANGES && changes_of[me] > 0 -> change(me) }
	:: d_step { /* left out by the feed: first made here */
			cursor[me] < length[BEFORE(me)] && EVENT.origin == me -> cursor[me]++
		}
	:: d_step {
			cursor[me] < length[BEFORE(me)] && EVENT.origin != me ->
			assert(EVENT.maker != me); /* no echo */
			assert(!taken[me].number[EVENT.number]); /* once */
			taken[me].number[EVENT.number] = true;
			settle();
			save();
			cursor[me]++;
			new = 0;
			new_stamp = 0
		}
	od
}

init {
	d_step {
		timeout -> assert(AT_REST);
#ifdef KNOWN_MET
		assert(value[0] == value[1] && value[1] == value[2])
#else
		assert(have_met || (value[0] == clock && value[1] == clock && value[2] == clock));
		assert(have_met || (stamp[0] == clock && stamp[1] == clock && stamp[2] == clock))
#endif
	}
}
