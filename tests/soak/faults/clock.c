/* Preloaded into a site's processes: the time of day is wrong by what stands in the file that SOAK_CLOCK names, three numbers of 8 bytes
 * in the machine's order: seconds that it is off, since which second (true) it runs at another speed, and by how many thousandths
 * faster. Monotonic clocks and sleeping are left alone: libfaketime 0.9.10 makes Python's sleep fail. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const long long *wrong;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("SOAK_CLOCK");
	int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *mapped = file < 0 ? MAP_FAILED : mmap(NULL, 3 * sizeof(long long), PROT_READ, MAP_SHARED, file, 0);
	if (mapped != MAP_FAILED)
		wrong = mapped;
	if (file >= 0)
		close(file);
}

static long long nanoseconds_off(long long seconds, long long nanoseconds)
{
	long long off = wrong[0] * 1000000000LL, since = wrong[1];
	if (since && seconds >= since)
		off += ((seconds - since) * 1000000000LL + nanoseconds) / 1000 * wrong[2];
	return off;
}

static void set_wrong(struct timespec *now)
{
	long long all = now->tv_sec * 1000000000LL + now->tv_nsec + nanoseconds_off(now->tv_sec, now->tv_nsec);
	now->tv_sec = all / 1000000000LL;
	now->tv_nsec = all % 1000000000LL;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int failed = syscall(SYS_clock_gettime, clock, now);
	if (!failed && wrong && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		set_wrong(now);
	return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec read;
	int failed = syscall(SYS_gettimeofday, now, zone);
	if (!failed && wrong) {
		read.tv_sec = now->tv_sec;
		read.tv_nsec = now->tv_usec * 1000;
		set_wrong(&read);
		now->tv_sec = read.tv_sec;
		now->tv_usec = read.tv_nsec / 1000;
	}
	return failed;
}

time_t time(time_t *now)
{
	struct timespec read;
	clock_gettime(CLOCK_REALTIME, &read);
	if (now)
		*now = read.tv_sec;
	return read.tv_sec;
}
