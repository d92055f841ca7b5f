#!/usr/bin/env bash
# bench.sh FOLDER SITE…: a bench with bare sites, on the MariaDB (root/root, port 3306) and the two Redis (13000, 11000) of the
# workflow. FRAPPE_BRANCH is Frappe's branch, BENCH_PYTHON the interpreter.
set -euo pipefail
bench=$1
shift
"$BENCH_PYTHON" -m pip install --quiet frappe-bench==5.31.1
command -v yarn >/dev/null || npm install --global yarn@1.22.22
bench init --skip-assets --skip-redis-config-generation \
	--frappe-branch "$FRAPPE_BRANCH" --python "$BENCH_PYTHON" "$bench"
cd "$bench"
bench set-config --global db_host 127.0.0.1
bench set-config --global redis_cache redis://127.0.0.1:13000
bench set-config --global redis_queue redis://127.0.0.1:11000
bench set-config --global redis_socketio redis://127.0.0.1:13000
mkdir -p sites/assets
test -e sites/assets/assets.json || echo '{}' >sites/assets/assets.json
for site in "$@"; do
	bench new-site "$site" --db-root-username root --db-root-password root --admin-password admin \
		--mariadb-user-host-login-scope='%'
done
