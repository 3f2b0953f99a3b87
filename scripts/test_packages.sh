#!/bin/sh
# What the tests need of the system beyond scripts/system_packages.sh: PostgreSQL, which the control
# plane's tests also run on. Installed where that is possible; elsewhere these tests are skipped,
# and say so.
set -eu
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && exit 0
command -v initdb >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing for the tests: postgresql"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql; } \
        >/dev/null 2>&1 || echo "could not install it: tests on PostgreSQL are skipped"
else
    echo "for the tests on PostgreSQL install, as root: postgresql"
fi
