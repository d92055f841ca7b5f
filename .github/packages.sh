#!/usr/bin/env bash
# Ubuntu's packages that `make tools` asks for, which installs them itself only as root. MariaDB's programs take the place of the
# runner's MySQL; no server is started with them.
set -euo pipefail
sudo apt-get update --quiet
sudo apt-get install --yes --quiet --no-install-recommends \
	gcc libmariadb-dev mariadb-client mariadb-client-core mariadb-server-core pkg-config redis-tools spin
