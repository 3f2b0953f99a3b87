#!/bin/sh
# What the tests need of the system beyond scripts/system_packages.sh: PostgreSQL, which the control
# plane's tests also run on, and Chromium, which opens the console. Installed where that is possible;
# elsewhere these tests are skipped, and say so.
set -eu
missing=
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 ||
    missing=postgresql
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq >/dev/null 2>&1 || true
    for package in $missing; do
        echo "installing for the tests: $package"
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package" >/dev/null 2>&1 ||
            echo "could not install it: tests that need $package are skipped"
    done
else
    for package in $missing; do echo "for all tests install, as root: $package"; done
fi
