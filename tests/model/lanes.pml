/*
Workers with lanes: several workers apply one producer's page, and each event still takes effect once and in order.

Stands for: consumer/workers (crew.py, helper.py, footprints.py, lanes.py, shared_page.py), and the locks of database/locks.py.

What it models
- Two pages. The first has four events: two of one document, one of a second, and one of a third that names the second; the other
  has one more of the first document, and one of a fourth. Each page is cut into two lanes by what the events touch.
- The pull: its lock, then it waits for lanes of an earlier pull, then the lock of its crew under a new token. It hands the lanes
  out, works on those that nobody has taken, takes the rest back, waits for each lane, deals with what is left alone and in order,
  and only then moves the cursor. It may also apply a page alone.
- A helper, for whichever token: it takes a lane from the list (Redis), then its lock, then sees whether the crew is there. It
  commits one or more events at a time, after asking whether it has its lane and the crew is there.
- An event may fail in a lane: it and the later ones of its document are left to the pull.
- The pull or the helper dies before any statement: its locks go, and what is not committed. Redis loses the list. The slice ends
  while the pull waits for its helper.

What must hold
- No event takes effect twice.
- An event takes effect only after the earlier ones of its document, and after what it names.
- The cursor passes nothing that has not taken effect.
- At the end everything has.

Simpler than the code: cutting is given, not computed (tests/unit has lanes.py); an event that fails in a lane succeeds with the
pull; the locks of a process that has died are freed in one step (the database does it within microseconds); one lane's number is
used again with each page, as in the code.

Bounds: 6 events, 2 pages, 2 lanes each, 1 helper, 2 pulls one after the other, 1 death, 1 failure, Redis emptied once.

Bugs that can be put back
- BUG_TWO_LANES: one document's events are in two lanes.
- BUG_NAMED_APART: an event and what it names are in two lanes.
- BUG_LATE_HELPER: a helper does not ask whether the pull that called it is there.
- BUG_PULL_TOO_EARLY: a pull does not wait for the lanes of an earlier one.
- BUG_CURSOR_TOO_EARLY: the pull moves the cursor without waiting for its helpers.
- BUG_LANE_GOES_ON: after an event that fails, the lane goes on with the next one of its document.
*/

#define EVENTS 6
#define LANES 2
#define PULLS 2
#define BIT(e) (1 << (e))
#define HAS(set, e) (((set) >> (e)) & 1)

/* page 0 has events 0 to 3, page 1 has 4 and 5 */
#define PAGE_OF(cursor) ((cursor) < 4 -> 0 : 1)
#define END_OF(page) ((page) == 0 -> 4 : 6)
/* events 0, 1 and 4 are of one document; 3 names the document of 2 */
#define NEEDED(e) ((e) == 1 -> BIT(0) : ((e) == 4 -> BIT(0) | BIT(1) : ((e) == 3 -> BIT(2) : 0)))
#define SAME_DOCUMENT(e) ((e) == 1 || (e) == 4)
#if defined(BUG_TWO_LANES)
#define LANE(page, lane) ((page) == 0 -> ((lane) == 0 -> BIT(0) : BIT(1) | BIT(2) | BIT(3)) : BIT(4 + (lane)))
#elif defined(BUG_NAMED_APART)
#define LANE(page, lane) ((page) == 0 -> ((lane) == 0 -> BIT(0) | BIT(1) | BIT(3) : BIT(2)) : BIT(4 + (lane)))
#else
#define LANE(page, lane) ((page) == 0 -> ((lane) == 0 -> BIT(0) | BIT(1) : BIT(2) | BIT(3)) : BIT(4 + (lane)))
#endif

/* the consumer's database: which events have taken effect, with their rows; and how many the cursor is past */
byte done;
byte cursor;

/* locks: 0 is nobody, 1 the pull, 2 the helper */
byte pull_lock;
byte lane_lock[LANES];
bool crew[PULLS + 1]; /* by the token of a pull: 1, 2 */

/* Redis: lanes that are handed out, by token; 2 * page + lane is a bit */
byte offered[PULLS + 1];

byte token; /* of the last pull that has begun */
byte deaths = 1;
byte failures = 1;
byte redis_emptied = 1;
bool pull_dies;
bool helper_dies;
bool over;

#define PULL 1
#define HELPER 2

/* what is committed: one step of its caller */
inline take_effect(events) {
	assert((done & (events)) == 0);
	i = 0;
	do
	:: i == EVENTS -> break
	:: else ->
		assert(!HAS(events, i) || (NEEDED(i) & ~(done | (events))) == 0);
		i++
	od;
	i = 0;
	done = done | (events)
}

inline move_cursor(to) {
	assert((done & (BIT(to) - 1)) == BIT(to) - 1);
	cursor = to
}

#ifdef BUG_LATE_HELPER
#define MAY_COMMIT(who, my_token, lane) (lane_lock[lane] == (who))
#else
#define MAY_COMMIT(who, my_token, lane) (lane_lock[lane] == (who) && crew[my_token])
#endif

inline next_in_lane(page, lane) {
	d_step {
		e++;
		do
		:: e == EVENTS || (HAS(LANE(page, lane), e) && !HAS(known, e)) -> break
		:: else -> e++
		od;
		i = 0
	}
}

/* work_on_lane: the events of a lane whose lock is held, in groups */
inline work_on_lane(who, my_token, page, lane) {
	d_step {
		known = done; /* prepare */
		pending = 0;
		left = false;
		e = 0;
		do
		:: e == EVENTS || (HAS(LANE(page, lane), e) && !HAS(known, e)) -> break
		:: else -> e++
		od;
		i = 0
	};
	do
	:: e == EVENTS -> break
	:: else ->
		if
#ifndef BUG_LANE_GOES_ON
		:: left && SAME_DOCUMENT(e) -> skip
#endif
		:: atomic { failures > 0 && !left && page == 0 && lane == 0 -> failures--; left = true }
#ifndef BUG_LANE_GOES_ON
		:: !(left && SAME_DOCUMENT(e)) -> pending = pending | BIT(e)
#else
		:: pending = pending | BIT(e)
#endif
		fi;
		next_in_lane(page, lane);
		if
		:: pending -> /* the group ends */
			if
			:: MAY_COMMIT(who, my_token, lane) -> d_step { take_effect(pending); pending = 0 }
			:: else -> break /* LaneLost */
			fi
		:: skip /* the next event is of the same group */
		fi
	od;
	if
	:: pending && MAY_COMMIT(who, my_token, lane) -> d_step { take_effect(pending); pending = 0 }
	:: else
	fi;
	d_step { e = 0; pending = 0; known = 0; left = false }
}

/* apply_alone: those of `events`, one after the other, the cursor along with them */
inline apply_alone(events, end) {
	e = cursor;
	do
	:: e == end -> break
	:: else ->
		if
		:: HAS(events, e) -> pending = BIT(e)
		:: else -> pending = 0
		fi;
		d_step {
			take_effect(pending);
			pending = 0;
			/* everything before the next one that is left */
			e++;
			do
			:: e == end || HAS(events, e) -> break
			:: else -> e++
			od;
			move_cursor(e)
		}
	od;
	e = 0
}

inline let_lanes_go() {
	d_step {
		if
		:: lane_lock[0] == PULL -> lane_lock[0] = 0
		:: else
		fi;
		if
		:: lane_lock[1] == PULL -> lane_lock[1] = 0
		:: else
		fi
	}
}

inline share() {
	offered[token] = 3 << (2 * page);
	do
	:: offered[token] == 0 -> break
	:: offered[token] != 0 ->
		/* a lane that nobody has taken */
		d_step {
			lane = 0;
			do
			:: lane == LANES || HAS(offered[token], 2 * page + lane) -> break
			:: else -> lane++
			od;
			if
			:: lane < LANES -> offered[token] = offered[token] & ~BIT(2 * page + lane)
			:: else
			fi
		};
		if
		:: lane == LANES -> break
		:: lane < LANES ->
			if
			:: atomic { lane_lock[lane] == 0 -> lane_lock[lane] = PULL };
				work_on_lane(PULL, token, page, lane)
			:: lane_lock[lane] != 0
			fi
		fi
	:: offered[token] != 0 -> break /* the slice is over */
	od;
	offered[token] = 0;
	lane = 0;
#ifndef BUG_CURSOR_TOO_EARLY
	do
	:: lane == LANES -> break
	:: lane < LANES && lane_lock[lane] == PULL -> lane++
	:: atomic { lane < LANES && lane_lock[lane] == 0 -> lane_lock[lane] = PULL }; lane++
	:: lane < LANES && lane_lock[lane] != 0 && lane_lock[lane] != PULL -> /* the time is up: the pull ends */
		crew[token] = false;
		goto the_end
	od;
	lane = 0;
	known = done;
	apply_alone(~known, END_OF(page));
#else
	d_step { cursor = END_OF(page); move_cursor(cursor) };
#endif
	let_lanes_go()
}

active proctype Pull() {
	byte page, lane, e, i, known, pending;
	bool left;
	do
	:: cursor == EVENTS || token == PULLS -> break
	:: else ->
		{
			atomic { pull_lock == 0 -> pull_lock = PULL; token++ };
#ifndef BUG_PULL_TOO_EARLY
			/* lanes_are_free: each is taken and given back */
			lane_lock[0] == 0;
			lane_lock[1] == 0;
#endif
			crew[token] = true;
			do
			:: cursor == EVENTS -> break
			:: else ->
				page = PAGE_OF(cursor);
				if
				:: known = done; apply_alone(~known, END_OF(page))
				:: share()
				fi
			od;
the_end:
			crew[token] = false;
			let_lanes_go();
			pull_lock = 0
		} unless {
			d_step {
				pull_dies -> pull_dies = false;
				crew[token] = false;
				pull_lock = 0;
				if
				:: lane_lock[0] == PULL -> lane_lock[0] = 0
				:: else
				fi;
				if
				:: lane_lock[1] == PULL -> lane_lock[1] = 0
				:: else
				fi;
				e = 0;
				i = 0;
				known = 0;
				pending = 0;
				lane = 0;
				left = false
			}
		}
	od;
	over = true
}

active proctype Helper() {
	byte mine, page, lane, e, i, known, pending;
	bool left;
	do
	:: over -> break
	:: else ->
		{
			do
			:: over -> break
			:: token > 0 && !over ->
				/* a job may come late, and a helper go on for long: its token is of any pull */
				if
				:: mine = token
				:: token > 1 -> mine = token - 1
				fi;
				/* takes a lane */
				if
				:: atomic { HAS(offered[mine], 0) -> offered[mine] = offered[mine] & ~BIT(0); page = 0; lane = 0 }
				:: atomic { HAS(offered[mine], 1) -> offered[mine] = offered[mine] & ~BIT(1); page = 0; lane = 1 }
				:: atomic { HAS(offered[mine], 2) -> offered[mine] = offered[mine] & ~BIT(2); page = 1; lane = 0 }
				:: atomic { HAS(offered[mine], 3) -> offered[mine] = offered[mine] & ~BIT(3); page = 1; lane = 1 }
				:: else -> goto nothing
				fi;
				if
				:: atomic { lane_lock[lane] == 0 -> lane_lock[lane] = HELPER };
					if
#ifndef BUG_LATE_HELPER
					:: crew[mine] -> work_on_lane(HELPER, mine, page, lane)
					:: else
#else
					:: work_on_lane(HELPER, mine, page, lane)
#endif
					fi;
					lane_lock[lane] = 0
				:: lane_lock[lane] != 0 /* another one has it */
				fi;
nothing:
				mine = 0;
				page = 0;
				lane = 0
			od
		} unless {
			d_step {
				helper_dies -> helper_dies = false;
				if
				:: lane_lock[0] == HELPER -> lane_lock[0] = 0
				:: else
				fi;
				if
				:: lane_lock[1] == HELPER -> lane_lock[1] = 0
				:: else
				fi;
				mine = 0;
				page = 0;
				lane = 0;
				e = 0;
				i = 0;
				known = 0;
				pending = 0;
				left = false
			}
		}
	od
}

active proctype Trouble() {
	do
	:: over -> break
	:: atomic { !over && deaths > 0 && !pull_dies -> deaths--; pull_dies = true }
	:: atomic { !over && deaths > 0 && !helper_dies -> deaths--; helper_dies = true }
	:: atomic { !over && redis_emptied > 0 && token > 0 -> redis_emptied--; offered[token] = 0 }
	od
}

init {
	over;
	assert(cursor == EVENTS || token == PULLS);
	assert(cursor < EVENTS || done == BIT(EVENTS) - 1)
}
