#!/usr/bin/env bash
# get_app.sh FOLDER: this checkout as the app event_streaming of a bench, also where an older one is on it already.
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)
cd "$1"
mkdir -p apps/event_streaming
rsync --archive --delete --exclude=.work --exclude=.git "$source/" apps/event_streaming/
env/bin/python -m pip install --quiet --no-deps --editable apps/event_streaming
grep -qx event_streaming sites/apps.txt || printf '\nevent_streaming\n' >>sites/apps.txt
sed -i '/^$/d' sites/apps.txt
# the list of apps and of their modules is remembered there
redis-cli -p 13000 flushall
