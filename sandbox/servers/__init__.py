"""Private MariaDB and Redis, Debian's packages, and processes that can't outlive a run."""
